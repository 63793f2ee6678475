import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');

/** Each line breaks one rule of the house. */
const bad: readonly (readonly [rule: string, line: string])[] = [
  ['eslint-js(no-restricted-syntax)', 'export const a = (): number => Date.now();'],
  ['eslint-js(no-restricted-syntax)', 'export const b = (): Date => new Date();'],
  ['eslint-js(no-restricted-syntax)', 'export const c = (): number => Math.random();'],
  ['eslint-js(no-restricted-syntax)', "export const d = (): string | undefined => process.env['HOME'];"],
  ['eslint(no-restricted-globals)', 'export const e = (): number => process.pid;'],
  ['eslint(no-console)', "export const f = (): void => { console.log('x'); };"],
  ['typescript(no-floating-promises)', 'export const g = (): void => { Promise.resolve(1); };'],
  ['typescript(no-unnecessary-condition)', 'export const l = (x: { y: number }): number | undefined => x?.y;'],
  ['typescript(no-explicit-any)', 'export const h = (x: any): unknown => x as unknown;'],
  ['typescript(consistent-type-definitions)', 'export interface I { readonly x: number }'],
  ['typescript(TS2322)', "export const m: number = '1';"],
  ['typescript(TS2322)', 'export const n = (x: readonly number[]): number => x[0];'],
  ['eslint(max-params)', 'export const j = (p: 1, q: 1, r: 1, s: 1, t: 1, u: 1, v: 1): number => p + q + r + s + t + u + v;'],
  ['eslint(max-lines-per-function)', `export const k = (): number => {${' void 0;\n'.repeat(45)} return 1; };`],
];

type Found = Readonly<{ code: string; filename: string; labels: readonly Readonly<{ span: Readonly<{ line: number }> }>[] }>;

/** A folder like this one, with those files alone: to read the whole program takes ten times as long. */
const folder = mkdtempSync(join(tmpdir(), 'lint-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What the linter finds in that text, were it that file. */
const lint = (file: string, text: string): readonly Found[] => {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
  const program = join(root, 'node_modules/oxlint/bin/oxlint');
  const { stdout } = spawnSync(process.execPath, [program, '--format', 'json', file], { cwd: folder, encoding: 'utf8' });
  return (JSON.parse(stdout) as { diagnostics: readonly Found[] }).diagnostics;
};

beforeAll(() => {
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'test/tsconfig.json', 'bench/tsconfig.json'])
    cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});

const linesOf = (found: readonly Found[], rule: string): readonly (number | undefined)[] =>
  found.filter(({ code }) => code === rule).map(({ labels }) => labels[0]?.span.line);

describe('The linter', () => {
  let found: readonly Found[];
  const lines = bad.map(([, line]) => line);
  const firstLines = lines.map((_, index) => lines.slice(0, index).join('\n').split('\n').length + (index === 0 ? 0 : 1));

  beforeAll(() => {
    found = lint('src/kernel/clock.ts', lines.join('\n'));
  });

  it.each(bad.map(([rule, line], index) => [rule, line.split('\n')[0], index] as const))('catches by %s: %s', (rule, _line, index) => {
    expect(linesOf(found, rule)).toContain(firstLines[index]);
  });

  it.each(['test/kernel/clock.spec.ts', 'bench/clock.ts'])('knows the types of %s', (file) => {
    const text = "export const g = (): void => { Promise.resolve(1); };\nexport const m: number = '1';\n";
    const theirs = lint(file, text);
    expect(linesOf(theirs, 'typescript(no-floating-promises)')).toEqual([1]);
    expect(linesOf(theirs, 'typescript(TS2322)')).toEqual([2]);
  });

  it('finds nothing in what is as it should be', () => {
    expect(lint('src/kernel/clock.ts', readFileSync(join(root, 'src/kernel/clock.ts'), 'utf8'))).toEqual([]);
  });
});
