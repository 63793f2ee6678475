/** The run's PostgreSQL, and the end of all that suites leave behind. */
const engines = { globalSetup: '<rootDir>/test/support/run/begin.mjs' };

const project = (name, match, rest = {}) => ({
  displayName: name,
  testMatch: match.map((glob) => `<rootDir>/test/${glob}`),
  // Suites of a worker share the modules that they load, which Node itself loads (test/support/run/bare).
  transform: {},
  testEnvironment: '<rootDir>/test/support/run/bare/environment.cjs',
  runtime: '<rootDir>/test/support/run/bare/runtime.cjs',
  ...rest,
});

/** What does more the more rounds it is given: a few as part of `unit`, `integration` and `e2e`, all of them as `soak` (test/support/strength.ts). */
const SOAKS = [
  'time/nearest',
  'time/rrule',
  'contract/broker',
  'e2e/bad-inputs',
  'e2e/kill',
  'e2e/public-topics',
  'e2e/push-flood',
  'e2e/several-processes',
  'e2e/survival',
  'e2e/truth',
  'integration/grant-kill',
  'integration/google-edits',
  'integration/sync-run-faults',
  'integration/telling',
  'integration/webhook-floods',
].map((name) => `${name}.spec.ts`);

/** `unit` needs no engine; `contract` holds for every event store; `integration` starts the engines it needs; `e2e` starts the whole built service. */
export default {
  testTimeout: 300_000,
  maxWorkers: 2,
  // What suites leave in the memory of a worker makes every later one slower; a new worker loads all modules again. In bytes.
  workerIdleMemoryLimit: 2 ** 30,
  testSequencer: '<rootDir>/test/support/run/longest-first.mjs',
  globalTeardown: '<rootDir>/test/support/run/end.mjs',
  projects: [
    project('unit', ['!(integration|contract|e2e|soak)/**/*.spec.ts']),
    project('contract', ['contract/**/*.spec.ts'], engines),
    project('integration', ['integration/**/*.spec.ts'], engines),
    project('e2e', ['e2e/**/*.spec.ts'], engines),
    project('soak', [...SOAKS, 'soak/**/*.spec.ts'], { ...engines, globals: { SOAK: true } }),
  ],
};
