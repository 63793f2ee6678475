// Where the jars of Apache Kafka are, and how Maven fetches them. Runs before anything is installed, so it needs nothing but Node.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const POM = join(root, 'kafka', 'pom.xml');
const folder = join(root, '.tools', 'kafka');

/** All jars of the broker. */
export const JARS = join(folder, 'jars');

/** What tells that the jars are those of kafka/pom.xml. */
export const JARS_STAMP = join(folder, '.setup-hash');

/** The call of Maven that fetches the jars to `into`: 43 MB. */
const parameters = (into) => [
  '--quiet',
  '--batch-mode',
  '--file',
  POM,
  'dependency:copy-dependencies',
  `-DoutputDirectory=${into}`,
  '-DincludeScope=runtime',
];

/** Fetches the jars by `run(program, parameters)`; a fetch that is broken off leaves nothing half made. */
export const fetchJars = async (run) => {
  const draft = `${JARS}.new`;
  for (const each of [draft, JARS, JARS_STAMP]) if (existsSync(each)) rmSync(each, { recursive: true });
  mkdirSync(folder, { recursive: true });
  await run('mvn', parameters(draft));
  renameSync(draft, JARS);
};
