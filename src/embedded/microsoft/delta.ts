import { type Json } from '../json.js';
import { badQuery, type Content, ok, refuse } from './answers.js';
import { type DeltaRow, deltaRows } from './delta-rows.js';
import { type DeltaPoint, deltaPointOf, deltaTokenOf } from './delta-token.js';
import { graphId } from './event.js';
import { type DeltaRefused } from './faults.js';
import { refuseWithDelta, windowOf } from './query.js';
import { kindOf, removedRow } from './rendering.js';
import { type View } from './view.js';
import { type GraphCall } from './world.js';

const subjectOf = ({ person }: GraphCall, { calendar }: View): string => `${person.email} ${calendar.about.id}`;

const linkOf = ({ world, path }: GraphCall, name: '$skiptoken' | '$deltatoken', token: string): string =>
  `${world.origin()}${path}?${name}=${token}`;

/** A token is refused, with a link to a round from the beginning where the fault has one. */
const gone = ({ world, path }: GraphCall, { status, code, location }: DeltaRefused, point: DeltaPoint | null): never => {
  const window =
    point === null ? '' : `?startDateTime=${new Date(point.start).toISOString()}&endDateTime=${new Date(point.end).toISOString()}`;
  const headers = location ? { location: `${world.origin()}${path}${window}` } : {};
  return refuse(status, code, 'The sync state generation is not found; generation=1.', headers);
};

const FORGOTTEN: DeltaRefused = { status: 410, code: 'SyncStateNotFound', location: false };

/** What a delta token stands for, when it may still be used. */
const pointOf = (call: GraphCall, view: View, token: string): DeltaPoint => {
  const point = deltaPointOf(token);
  if (point === null || point.subject !== subjectOf(call, view)) return badQuery('The delta token is invalid.');
  const refused = call.take('delta-refused');
  if (refused !== null) return gone(call, refused, point);
  const { world } = call;
  const isKnown = point.life === world.life && point.era === world.mailboxes.era(view.calendar.about.id);
  return isKnown ? point : gone(call, FORGOTTEN, point);
};

const reshapedBy = (call: GraphCall, view: View, rows: readonly DeltaRow[]): readonly DeltaRow[] => {
  const { events } = view.calendar;
  const isSeries = ({ key }: DeltaRow): boolean => {
    const value = events.get(key)?.value;
    return value !== undefined && kindOf(value) === 'seriesMaster';
  };
  const isGoneSeries = (key: string | undefined): boolean => key !== undefined && events.get(key)?.value.removed === true;
  let kept = rows;
  if (call.take('masters-left-out') !== null) kept = kept.filter((row) => !isSeries(row) || isGoneSeries(row.key));
  const bare = call.take('bare-removals');
  if (bare?.told === 'occurrences') kept = kept.filter((row) => !isSeries(row) || !isGoneSeries(row.key));
  if (bare?.told === 'series') kept = kept.filter(({ key }) => !isGoneSeries(/^(.+)\.\d+\.\d{8}(?:T\d{6}Z)?$/.exec(key)?.[1]));
  const stranger = graphId('never-there', view.prefer.immutable);
  if (call.take('strangers') !== null) kept = [...kept, { key: stranger, render: () => removedRow(view, stranger, 'deleted') }];
  return kept;
};

const begin = (call: GraphCall, view: View): string => {
  const { world, query } = call;
  const token = query.get('$deltatoken');
  const point = token === null ? null : pointOf(call, view, token);
  const range = point ?? windowOf(query);
  const rows = deltaRows({ view, mailboxes: world.mailboxes, range, since: point?.revision ?? null });
  const id = view.calendar.about.id;
  const next = {
    life: world.life,
    subject: subjectOf(call, view),
    era: world.mailboxes.era(id),
    revision: view.calendar.events.revision(),
    start: range.start,
    end: range.end,
  };
  const kept = reshapedBy(call, view, rows);
  return world.pages.first({ rows: kept.map(({ render }) => render), query: subjectOf(call, view), nextSyncToken: deltaTokenOf(next) });
};

const skipToken = (token: string): string => token.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '.');
const pageToken = (token: string): string => token.replaceAll('-', '+').replaceAll('_', '/').replaceAll('.', '=');

const pageOf = (call: GraphCall, view: View): string => {
  const skip = call.query.get('$skiptoken');
  if (skip === null) return begin(call, view);
  const refused = call.take('delta-refused-midway');
  if (refused !== null) gone(call, refused, null);
  const page = pageToken(skip);
  return call.world.pages.at(page, subjectOf(call, view)) === null ? gone(call, FORGOTTEN, null) : page;
};

/** Rows once more: a later page may repeat what an earlier one has said. */
const repeated = (call: GraphCall, items: readonly Json[]): readonly Json[] =>
  call.take('repeated-rows') === null ? items : [...items, ...items.slice(0, 3)];

/** `calendarView/delta`: a round from the beginning, from a delta token on, or a further page of either. */
export const delta = (call: GraphCall, view: View): Content => {
  refuseWithDelta(call.query);
  const token = pageOf(call, view);
  const size = Math.min(call.prefer.pageSize ?? 50, call.take('short-pages')?.size ?? 1_000);
  const { items, nextPageToken, nextSyncToken } = call.world.pages.page(token, size, call.take('empty-pages') !== null);
  return ok({
    '@odata.context': `${call.world.origin()}/v1.0/$metadata#Collection(event)`,
    value: repeated(call, items),
    ...(nextPageToken === null ? {} : { '@odata.nextLink': linkOf(call, '$skiptoken', skipToken(nextPageToken)) }),
    ...(nextSyncToken === null ? {} : { '@odata.deltaLink': linkOf(call, '$deltatoken', nextSyncToken) }),
  });
};
