// A file with no role suffix is pure: `calendar.ts`, not `calendar.codec.ts`. What wires stands outside the rule: `src/main.ts` and `src/app/`; tools use what is wired.
const pure = '^src/(?!app/).+/[^/.]+[.]ts$';
const only = (name, npm, home) => ({
  name,
  severity: 'error',
  from: { path: '^src', pathNot: home },
  to: { path: `node_modules/(${npm})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    // A package of types alone has no module to lead to.
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^@microsoft/microsoft-graph-types$' },
    },
    { name: 'src-knows-no-test', severity: 'error', from: { path: '^src' }, to: { path: '^(test|bench|scripts)/' } },
    { name: 'dotless-is-pure', severity: 'error', from: { path: pure }, to: { pathNot: pure } },
    { name: 'kernel-stands-alone', severity: 'error', from: { path: '^src/kernel/' }, to: { pathNot: '^src/kernel/' } },
    {
      name: 'meet-only-in-pure-files',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '^src/(app|tools)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', pure, '[.](codec|contract)[.]ts$', '^src/infra/(http/|codec[.]zod[.]ts$)'] },
    },
    {
      name: 'embedded-is-loaded-by-app-only',
      severity: 'error',
      from: { path: '^src', pathNot: ['^src/embedded/', '^src/[^/]+[.]ts$', '^src/(app|tools)/'] },
      to: { path: '^src/embedded/' },
    },
    {
      name: 'adapters-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/provider/([^/]+)/' },
      to: { path: '^src/provider/[^/]+/', pathNot: ['^src/provider/($1|http)/'] },
    },
    only('event-store-client-at-home', '@eventstore/db-client', '^src/(infra|embedded)/eventstore/'),
    only('sql-at-home', 'pg|typeorm|@nestjs/typeorm', '^src/(infra/postgres|embedded)/'),
    // Decorators of routes are put off (openapi.decorators.ts), so that a start does not load it.
    only('swagger-at-home', '@nestjs/swagger', '^src/infra/http/openapi[.]'),
    only('google-at-home', '@googleapis', '^src/provider/google/'),
    only('kafka-at-home', 'kafkajs', '^src/infra/kafka/'),
    only('xml-at-home', 'saxes', '^src/(provider|embedded)/caldav/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
