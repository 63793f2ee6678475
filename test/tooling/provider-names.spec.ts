import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PROVIDER_NAMES } from '../../src/provider/names.js';

const SRC = join(import.meta.dirname, '../../src');

/**
 * Where a kind of calendar service is named: what is known of it, its adapter, the sandbox, what
 * is wired and printed, examples of the API's document, and migrations, which are about one release.
 */
const NAMED = /^(?:provider\/(?:registry\.ts|google\/|microsoft\/|caldav\/)|app\/|embedded\/)|\.(?:contract|migration)\.ts$/;

const sources = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)));

it('No rule and no route names a calendar service: they ask the registry', () => {
  const literal = new RegExp(`'(?:${PROVIDER_NAMES.join('|')})'`);
  const naming = sources.filter((file) => !NAMED.test(file) && literal.test(readFileSync(join(SRC, file), 'utf8')));
  expect(sources.length).toBeGreaterThan(100);
  expect(naming).toEqual([]);
});
