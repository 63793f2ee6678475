// The order of the suites of a run: those that take longest begin first, so that at its end no worker waits long for another.

/** Take longest, the longest first; but one that searches the memory of its worker, which grows with every suite, comes before all others. */
const LONG = [
  'integration/event-store-client',
  'e2e/several-processes',
  'contract/broker',
  'e2e/topics',
  'e2e/public-topics',
  'e2e/google/google',
  'e2e/connect-in-browser',
  'integration/bounds',
  'e2e/push-google',
  'e2e/plain/plain',
  'e2e/push-flood',
  'e2e/caldav/caldav',
  'e2e/paging',
  'e2e/replay',
  'e2e/kill',
  'e2e/survival',
  'e2e/first-screen',
  'integration/parked',
  'e2e/restore',
  'integration/due-work',
  'e2e/demo',
  'e2e/tokens',
  'e2e/stream',
  'e2e/bad-inputs',
  'e2e/at-rest',
  'e2e/start-and-stop',
  'integration/large-calendar',
  'integration/google-sandbox',
  'e2e/idempotency',
  'e2e/hanging-servers',
  'e2e/truth',
  'integration/log-scavenge',
  'integration/placement',
  'integration/sync-run-faults',
  'e2e/quick-start',
  'integration/embedded-crash',
  'integration/embedded-eventstore',
  'integration/change-settings',
  'e2e/zone-rules',
  'tooling/boundaries',
  'integration/connecting-in-two-steps',
  'app/role-threads',
  'integration/sync-health',
  'e2e/eventstore-alone',
  'time/nearest',
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
