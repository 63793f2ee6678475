import { LATENCY } from './account.vendor.js';
import { type Baseline, type VendorBaseline } from './baseline.js';
import { type SyncFigures } from './first-sync.measure.js';
import { type Beside } from './hostile.js';
import { type Peaks } from './memory.proc.js';
import { type Percentiles } from './other.person.js';
import { type VdirsyncerTimes } from './vdirsyncer.process.js';

/** Milliseconds, but for counts. */
export type Figures = SyncFigures &
  Readonly<{
    events: number;
    warmUp: number;
    baseline: Baseline;
    vdirsyncer: VdirsyncerTimes | null;
    cold: number;
    second: number;
    unchanged: number;
    peaks: Peaks;
  }>;

/** Milliseconds, but for counts; counted from the moment a person comes back from the vendor. `target`: until everything can be read. */
export type VendorFigures = SyncFigures & Readonly<{ baseline: VendorBaseline; target: number }>;

/** `target` in milliseconds; `raw` and `peer` are what the time is held against. */
type Line = Readonly<{ name: string; time: number; raw?: number; peer?: number | undefined; target?: number }>;

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;

const ratio = (time: number, other: number | undefined): string => (other === undefined ? '' : `${(time / other).toPrecision(2)} x`);

const verdict = ({ time, target }: Line): string =>
  target === undefined ? '' : `${time <= target ? 'within' : 'over'} ${(target / 1_000).toString()} s`;

/** Columns as wide as they need be, the first to the left. */
export const tabulated = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   '))
    .join('\n');
};

const linesOf = ({ baseline, vdirsyncer, ...ours }: Figures): readonly Line[] => {
  const [raw, peer] = [baseline.everything, vdirsyncer?.first];
  const theirs: readonly Line[] =
    vdirsyncer === null
      ? []
      : [
          { name: 'vdirsyncer: first sync', time: vdirsyncer.first, raw },
          { name: 'vdirsyncer: nothing changed', time: vdirsyncer.unchanged, raw: baseline.oneChange },
        ];
  return [
    { name: 'bare client: calendar-query of everything', time: raw },
    { name: 'bare client: calendar-query of the next 30 days', time: baseline.soon },
    { name: 'bare client: sync-collection and one GET', time: baseline.oneChange },
    ...theirs,
    { name: 'service: start with an empty data folder', time: ours.cold, target: 60_000 },
    { name: 'service: second start', time: ours.second, target: 5_000 },
    { name: 'service: account connected', time: ours.answered },
    { name: 'service: next 30 days readable', time: ours.soon, raw: baseline.soon, peer, target: 2_000 },
    { name: 'service: everything readable', time: ours.complete, raw, peer, target: 5_000 },
    {
      name: 'service: one changed event readable',
      time: ours.oneChange,
      raw: baseline.oneChange,
      peer: vdirsyncer?.unchanged,
      target: 1_000,
    },
    { name: 'service: sync, nothing changed', time: ours.unchanged, raw: baseline.oneChange, peer: vdirsyncer?.unchanged },
    { name: `service: ${ours.occurrences} occurrences by ${ours.pages} pages`, time: ours.paging, raw },
  ];
};

const vendorLinesOf = ({ baseline, ...ours }: VendorFigures): readonly Line[] => [
  { name: 'bare client: list of everything', time: baseline.everything },
  { name: 'bare client: list of the next 30 days', time: baseline.soon },
  { name: 'bare client: list of what changed', time: baseline.oneChange },
  { name: 'service: account connected', time: ours.answered },
  { name: 'service: next 30 days readable', time: ours.soon, raw: baseline.soon, target: 2_000 },
  { name: 'service: everything readable', time: ours.complete, raw: baseline.everything, target: ours.target },
  { name: 'service: one changed event readable, told by push', time: ours.oneChange, raw: baseline.oneChange, target: 1_000 },
  { name: `service: ${ours.occurrences} occurrences by ${ours.pages} pages`, time: ours.paging, raw: baseline.everything },
];

const vendorTable = (vendor: string, measured: VendorFigures): string =>
  tabulated([
    [`${vendor}, ${LATENCY} ms a request`, 'time', 'to bare client', 'target'],
    ...vendorLinesOf(measured).map((line) => [line.name, seconds(line.time), ratio(line.time, line.raw), verdict(line)]),
  ]);

/** The whole report, ready to print. `vendors`: by their names. */
export const report = (figures: Figures, vendors: ReadonlyMap<string, VendorFigures>): string => {
  const { events, occurrences, warmUp, vdirsyncer, peaks } = figures;
  const times = linesOf(figures).map((line) => [
    line.name,
    seconds(line.time),
    ratio(line.time, line.raw),
    ratio(line.time, line.peer),
    verdict(line),
  ]);
  const memory = [...peaks].map(([name, kilobytes]) => [name, `${Math.round(kilobytes / 1_024)} MB`]);
  return [
    `${events} events, ${occurrences} occurrences from 30 days back to 365 ahead; Node ${process.versions.node}.`,
    `Radicale's own first reading of the files took ${seconds(warmUp)} and is in none of the times.`,
    vdirsyncer === null
      ? 'vdirsyncer is not installed (apt-get install vdirsyncer): nothing to compare with.'
      : `vdirsyncer ${vdirsyncer.version}.`,
    '',
    tabulated([['CalDAV', 'time', 'to bare client', 'to vdirsyncer', 'target'], ...times]),
    '',
    ...[...vendors].flatMap(([vendor, measured]) => [vendorTable(vendor, measured), '']),
    ...(memory.length === 0 ? ['Memory is read from /proc, which is not there.'] : [tabulated([['', 'peak memory'], ...memory])]),
  ].join('\n');
};

/** How much slower something may be beside a hostile person: twice, or so many milliseconds more, whichever is larger. */
const SLOWER = { ratio: 2, more: 300 } as const;

const besideLine = (name: string, alone: Percentiles, beside: Percentiles): readonly string[] => {
  const target = Math.max(alone.p95 * SLOWER.ratio, alone.p95 + SLOWER.more);
  return [
    name,
    ...[alone.p50, alone.p95, beside.p50, beside.p95].map((time) => `${time.toFixed(0)} ms`),
    `${(beside.p95 / alone.p95).toFixed(2)} x`,
    `${beside.p95 <= target ? 'within' : 'over'} ${target.toFixed(0)} ms`,
  ];
};

/** One person's times alone and beside a hostile one, what that one did, and how the service is at the end. */
export const hostileReport = ({ alone, beside, tally, asked, hostile, checks, states }: Beside): string =>
  [
    tabulated([
      ['', 'alone: p50', 'p95', 'beside: p50', 'p95', 'p95 to p95', 'target'],
      besideLine('sync, until the change is read', alone.syncs, beside.syncs),
      besideLine('GET /v1/calendar/events, a month', alone.reads, beside.reads),
    ]),
    '',
    `The hostile person: ${hostile.read} of ${hostile.calendars} calendars read, ${hostile.occurrences} occurrences, ${asked} requests to their servers.`,
    ...[...tally].map(([what, counts]) => `  ${what}: ${[...counts].map(([status, count]) => `${count} answered ${status}`).join(', ')}`),
    '',
    `Calendars of the other person: ${states.join(', ')}.`,
    'Health at the end:',
    ...checks.map(({ name, ok, detail }) => `  ${ok ? 'ok' : 'FAILING'}  ${name}${detail === undefined ? '' : `: ${detail}`}`),
  ].join('\n');
