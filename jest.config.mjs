const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'es6' },
    },
  ],
};

const project = (name, match) => ({
  displayName: name,
  testEnvironment: 'node',
  testMatch: match.map((glob) => `<rootDir>/test/${glob}`),
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform,
});

/** `unit` needs no engine; `contract` holds for every event store; `integration` starts the engines it needs; `e2e` starts the whole built service. */
export default {
  testTimeout: 120_000,
  globalTeardown: '<rootDir>/test/support/left-running.mjs',
  projects: [
    project('unit', ['!(integration|contract|e2e)/**/*.spec.ts']),
    project('contract', ['contract/**/*.spec.ts']),
    project('integration', ['integration/**/*.spec.ts']),
    project('e2e', ['e2e/**/*.spec.ts']),
  ],
};
