import { type Decider } from '../kernel/decider.js';
import { type ZoneMarks } from '../time/zone-marks.js';

/** Which zone rules occurrences are placed by from now on. */
export type ZoneRulesChanged = Readonly<{
  type: 'ZoneRulesChanged';
  /** Version of the IANA time zone database, `2026f`. */
  version: string;
  /** Full-date (UTC) of its release. */
  released: string;
  marks: ZoneMarks;
  /** Names whose rules differ from those before, in order; null when these are not known: in a log's first such fact. */
  changed: readonly string[] | null;
  at: string;
}>;

/** A program that places occurrences brings its zone rules. */
export type BringZoneRules = Readonly<{ type: 'BringZoneRules' }> & Pick<ZoneRulesChanged, 'version' | 'released' | 'marks' | 'at'>;

type State = Readonly<{ version: string; marks: ZoneMarks }> | null;

/** Whether a version came out after another: `2026f` after `2026a`, `2027a` after `2026f`. */
export const isNewerVersion = (version: string, than: string): boolean => version > than;

const namesChanged = (before: ZoneMarks, after: ZoneMarks): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]).sort();

/** A program with older rules, or the same, changes nothing. */
const decide = (state: State, { version, released, marks, at }: BringZoneRules): readonly ZoneRulesChanged[] => {
  if (state !== null && !isNewerVersion(version, state.version)) return [];
  const changed = state === null ? null : namesChanged(state.marks, marks);
  return [{ type: 'ZoneRulesChanged', version, released, marks, changed, at }];
};

/** One stream for all zones: the revision decides which of several processes that start at once writes the fact. */
export const zoneRules: Decider<State, BringZoneRules, ZoneRulesChanged> = {
  category: 'zones',
  initial: null,
  decide,
  evolve: (_, { version, marks }) => ({ version, marks }),
};

/** Id of the only stream. */
export const ZONES_ID = 'iana';
