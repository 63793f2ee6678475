// The order of the suites of a run: those that take longest begin first, so that at its end no worker waits long for another.

/** Take ten seconds or more, the longest first. */
const LONG = [
  'e2e/several-processes',
  'integration/bounds',
  'e2e/kill',
  'e2e/restore',
  'e2e/revoke',
  'e2e/paging',
  'e2e/survival',
  'e2e/hanging-servers',
  'e2e/replay',
  'e2e/demo',
  'e2e/first-screen',
  'integration/sync-run-faults',
  'integration/due-work',
  'integration/embedded-eventstore',
  'e2e/settings',
  'e2e/zone-rules',
  'e2e/at-rest',
  'e2e/stream',
  'integration/large-calendar',
  'e2e/idempotency',
  'e2e/truth',
  'e2e/rest-guide',
  'integration/log-scavenge',
  'integration/embedded-crash',
  'e2e/operations',
  'e2e/main-job',
  'e2e/event-metadata',
  'integration/placement',
  'e2e/bad-inputs',
  'e2e/availability',
  'time/nearest',
  'tooling/boundaries',
  'app/role-threads',
  'tooling/lint',
  'time/rrule',
];

const rankOf = ({ path }) => {
  const rank = LONG.findIndex((name) => path.endsWith(`/${name}.spec.ts`));
  return rank === -1 ? LONG.length : rank;
};

/** What Jest asks of a `testSequencer`. */
export default class LongestFirst {
  sort(tests) {
    return [...tests].sort((one, other) => rankOf(one) - rankOf(other) || (one.path < other.path ? -1 : 1));
  }

  cacheResults() {
    // The order is the same on a fresh clone as on any other.
  }
}
