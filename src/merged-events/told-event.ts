type Instance = Readonly<{ series: string; original: string }>;

/** Stable for as long as the occurrence is; the series' keyed hash, and for an instance its original start. */
export const eventId = ({ series, original }: Instance): string => (original === '' ? series : `${series}_${original}`);

type Times = Readonly<{ start_at: Date; end_at: Date; all_day: boolean; local_start: string | null; local_end: string | null }>;

/** When an occurrence is, as people are told: of all-day events the days (RFC 3339 full-date), of others the instants in UTC. */
export const timesOf = ({ start_at, end_at, all_day, local_start, local_end }: Times): Readonly<{ start: string; end: string }> => ({
  start: all_day && local_start !== null ? local_start : start_at.toISOString(),
  end: all_day && local_end !== null ? local_end : end_at.toISOString(),
});

/** An occurrence as it is told where nothing of its contents may be. `seriesId`: null when it does not repeat. */
export type ToldEvent = Readonly<{
  id: string;
  seriesId: string | null;
  start: string;
  end: string;
  allDay: boolean;
  status: 'confirmed' | 'tentative' | 'cancelled';
  busy: 'busy' | 'tentative' | 'needs-action' | 'free';
}>;

/** What is told of a row of the merged calendar. */
export type ToldRow = Instance & Times & Pick<ToldEvent, 'status' | 'busy'> & Readonly<{ recurring: boolean }>;

export const toldEvent = (row: ToldRow): ToldEvent => ({
  id: eventId(row),
  seriesId: row.recurring ? row.series : null,
  ...timesOf(row),
  allDay: row.all_day,
  status: row.status,
  busy: row.busy,
});
