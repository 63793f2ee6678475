import { afterAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testEndings } from '../support/opened.js';
import { eventually } from '../support/store.js';

const DEMO = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'demo-'));
const atEnd = testEndings();
afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Demo = Readonly<{ child: ChildProcess; printed: () => string; ended: Promise<number | null> }>;

const start = (): Demo => {
  const child = spawn(process.execPath, [DEMO], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      printed += part.toString();
    });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  atEnd(() => {
    child.kill('SIGINT');
    return ended;
  });
  return { child, printed: () => printed, ended };
};

/** Processes that were told of the throw-away folder and still live. */
const leftBehind = (): readonly string[] =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && Number(name) !== process.pid && readFileSync(`/proc/${name}/environ`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });

describe('npm run demo', () => {
  it('does the main job from one end to the other, and leaves nothing behind', async () => {
    const demo = start();
    expect([await demo.ended, demo.printed()]).toEqual([0, expect.stringContaining('nothing is left behind')]);
    for (const line of [
      /✓ connected mia@home\.example \(caldav\): Birthdays, Family, Private/,
      /✓ connected mia@school\.example \(microsoft\): Calendar, Nowhere holidays/,
      /✓ connected mia@work\.example \(google\): Holidays in Nowhere, /,
      /Choir concert +. (Work +also in Private|Private +also in Work)/,
      /✓ moved “Dentist” by two hours/,
      /is failing, its \d+ events of the week are still shown/,
      /✓ revoked mia@home\.example/,
    ])
      expect(demo.printed()).toMatch(line);
    expect(readdirSync(folder)).toEqual([]);
    expect(leftBehind()).toEqual([]);
  });

  it('cleans up as well when it is interrupted, and does not pass for a success', async () => {
    const demo = start();
    await eventually('it has connected', () => demo.printed().includes('✓ connected'));
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(1);
    expect(demo.printed()).toContain('Stopped by SIGINT.');
    expect(readdirSync(folder)).toEqual([]);
    expect(leftBehind()).toEqual([]);
  });
});
