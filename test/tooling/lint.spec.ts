import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');

/** Each line breaks one rule of the house. */
const bad: readonly (readonly [rule: string, line: string])[] = [
  ['no-restricted-syntax', 'export const a = (): number => Date.now();'],
  ['no-restricted-syntax', 'export const b = (): Date => new Date();'],
  ['no-restricted-syntax', 'export const c = (): number => Math.random();'],
  ['no-restricted-syntax', "export const d = (): string | undefined => process.env['HOME'];"],
  ['no-restricted-globals', 'export const e = (): number => process.pid;'],
  ['no-console', "export const f = (): void => { console.log('x'); };"],
  ['@typescript-eslint/no-floating-promises', 'export const g = (): void => { Promise.resolve(1); };'],
  ['@typescript-eslint/no-explicit-any', 'export const h = (x: any): unknown => x as unknown;'],
  ['@typescript-eslint/consistent-type-definitions', 'export interface I { readonly x: number }'],
  ['max-params', 'export const j = (p: 1, q: 1, r: 1, s: 1, t: 1, u: 1, v: 1): number => p + q + r + s + t + u + v;'],
  ['max-lines-per-function', `export const k = (): number => {${' void 0;\\n'.repeat(45)} return 1; };`.replaceAll('\\n', '\n')],
];

const folder = mkdtempSync(join(tmpdir(), 'lint-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The file alone, since to read the whole program takes ten times as long. */
const project = join(folder, 'tsconfig.json');
const file = 'src/kernel/clock.ts';
const typeRoots = [join(root, 'node_modules/@types')];
writeFileSync(
  project,
  JSON.stringify({ extends: join(root, 'tsconfig.test.json'), compilerOptions: { typeRoots }, files: [join(root, file)], include: [] }),
);

const program = `
  import { readFileSync } from 'node:fs';
  import { ESLint } from 'eslint';
  const overrideConfig = { languageOptions: { parserOptions: { project: ${JSON.stringify(project)} } } };
  const [result] = await new ESLint({ overrideConfig }).lintText(readFileSync(0, 'utf8'), { filePath: '${file}' });
  console.log(JSON.stringify(result.messages));
`;

let found: readonly Readonly<{ ruleId: string | null; line: number }>[];
let firstLines: readonly number[];

beforeAll(() => {
  const lines = bad.map(([, line]) => line);
  firstLines = lines.map((_, index) => lines.slice(0, index).join('\n').split('\n').length + (index === 0 ? 0 : 1));
  // In a process of its own: ESLint loads its configuration in ways Jest's module loader does not know.
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    input: lines.join('\n'),
    // Where CI is set, typescript-eslint takes a file's text from the disk and not from what it is given.
    env: { ...process.env, TSESTREE_SINGLE_RUN: 'false' },
    encoding: 'utf8',
  });
  found = JSON.parse(stdout) as typeof found;
});

describe('The linter', () => {
  it.each(bad.map(([rule, line], index) => [rule, line.split('\n')[0], index] as const))('catches by %s: %s', (rule, _line, index) => {
    expect(found.filter(({ line }) => line === firstLines[index]).map(({ ruleId }) => ruleId)).toContain(rule);
  });
});
