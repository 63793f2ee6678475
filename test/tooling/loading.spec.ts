import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** Imports and exports at the head of a file, with what they name; `import()` is none. */
const STATEMENT = /^(?:import|export)\s+(?:(?<names>[^'";]*?)\s+from\s+)?'(?<from>[^']+)';/gms;

/** Names that exist at run time: of types alone the compiler leaves nothing. */
const isLoaded = (names: string | undefined): boolean =>
  names === undefined ||
  (!names.startsWith('type ') && !/^\{.*\}$/s.test(names)) ||
  names
    .replace(/[{}]/g, '')
    .split(',')
    .some((name) => name.trim() !== '' && !name.trim().startsWith('type '));

/** Files and packages that are loaded with some files of the program, before anything of it runs. */
const loadedWith = (...entries: readonly string[]) => {
  const [files, packages] = [new Set<string>(), new Set<string>()];
  const walk = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { groups } of readFileSync(file, 'utf8').matchAll(STATEMENT)) {
      const from = groups?.['from'] ?? '';
      if (!isLoaded(groups?.['names'])) continue;
      if (from.startsWith('.')) walk(resolve(dirname(file), from.replace(/\.js$/, '.ts')));
      else if (!from.startsWith('node:')) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from);
    }
  };
  for (const entry of entries) walk(resolve(SRC, entry));
  return { files, packages };
};

const packagesOf = (...entries: readonly string[]): ReadonlySet<string> => loadedWith(...entries).packages;
const filesOf = (...entries: readonly string[]): readonly string[] => [...loadedWith(...entries).files];

/** What takes long to load and is not needed everywhere. */
const HEAVY = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/cqrs',
  '@nestjs/swagger',
  'typeorm',
  'undici',
  'saxes',
  'ical.js',
  'jose',
  'rxjs',
];

/** What the slices' lists (`*.runs.ts`) load where a role is played. */
const OF_PROJECTOR = [
  'connection/vault.cleanup.ts',
  'merged-events/occurrences.cleanup.ts',
  'merged-events/placement.worker.ts',
  'merged-events/zone-change.handler.ts',
  'sync/feeds.cleanup.ts',
];
const OF_SYNC = ['connection/account.proof.ts', 'connection/connection.worker.ts', 'sync/sync.run.ts', 'sync/sync.state.ts'];

const heavyOf = (...entries: readonly string[]): readonly string[] => {
  const packages = packagesOf(...entries);
  return HEAVY.filter((name) => packages.has(name));
};

describe('A start loads', () => {
  it('no module for its types alone, which `verbatimModuleSyntax` would keep', () => {
    expect(readFileSync(resolve(SRC, '../tsconfig.json'), 'utf8')).not.toContain('verbatimModuleSyntax');
  });

  it('nothing heavy before the engines and the threads are on their way', () => {
    expect(heavyOf('main.ts')).toEqual([]);
  });

  it('into the thread of the projector nothing that answers requests or reads calendars', () => {
    expect(packagesOf('app/role.thread.ts', 'app/role.projector.ts')).toContain('pg');
    expect(heavyOf('app/role.thread.ts', 'app/role.projector.ts', ...OF_PROJECTOR)).toEqual([]);
  });

  it('into the thread of the sync nothing that answers requests', () => {
    expect(heavyOf('app/role.thread.ts', 'app/role.sync.ts', ...OF_SYNC)).toEqual(['undici', 'saxes', 'ical.js']);
  });

  it('in a slice’s list of what it runs no worker and no clean-up, which the thread loads that runs them', () => {
    const lists = ['calendar/calendar', 'connection/connection', 'merged-events/merged-events', 'preference/preference', 'sync/sync'];
    const loaded = filesOf(...lists.map((list) => `${list}.runs.ts`));
    expect(loaded.filter((file) => /[.](worker|cleanup|run|handler)[.]ts$/.test(file))).toEqual([]);
  });

  it('neither what makes the document of the API nor what brings tables up to date', () => {
    const served = heavyOf('app/serving.ts');
    expect(served).toContain('@nestjs/core');
    expect(served).not.toContain('@nestjs/swagger');
    expect(served).not.toContain('typeorm');
  });
});
