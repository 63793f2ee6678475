import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, icsOf } from '../support/calendar-item.js';
import { suiteResources } from '../support/opened.js';
import { startRadicale } from '../support/radicale.js';
import { fileOf, seedItems } from '../support/seed.js';
import { startService } from '../support/service.js';

type Block = Readonly<{ text: string; status: string; fragment: string }>;

/** The `sh` blocks of the guide, each with the outcome its last line states: `# → 201 "status":"` is a status and a part of the answer. */
const blocks: readonly Block[] = [
  ...readFileSync(fileURLToPath(new URL('../../docs/rest.md', import.meta.url)), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms),
].map(([, text = '']) => {
  const [, status = 'none', fragment = ''] = /^# → (\d{3})(?: (.+))?$/m.exec(text) ?? [];
  return { text, status, fragment };
});

/** All blocks run in one shell, as somebody types them: what one remembers the next may use. `curl` also prints the status. */
const run = async (environment: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const script = [
    `curl() { command curl --max-time 60 -w '\\n%{http_code}\\n' "$@"; }`,
    ...blocks.map(({ text }) => `${text}\necho '=== end of block ==='`),
  ].join('\n');
  const shell = spawn('bash', ['-uc', script], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  shell.stdout.on('data', (part: Buffer) => (output += part.toString()));
  shell.stderr.on('data', (part: Buffer) => (complaints += part.toString()));
  const code = await new Promise((resolve) => shell.once('close', resolve));
  expect([code, complaints]).toEqual([0, '']);
  return output.split('=== end of block ===\n').slice(0, -1);
};

describe('The guide to the API', () => {
  const opened = suiteResources();
  let outputs: readonly string[];

  beforeAll(async () => {
    const radicale = await opened(startRadicale());
    const service = await opened(startService());
    const calendar = await radicale.makeCalendar('work', { displayname: 'Work' });
    for (const item of seedItems({ events: 20, seed: 4, from: new Date(Math.floor(Date.now() / DAY) * DAY), recurring: 0.5 }))
      await radicale.put(calendar, fileOf(item), icsOf(item));
    const account = { DAV_URL: radicale.url, DAV_USER: radicale.user, DAV_PASSWORD: radicale.password };
    outputs = await run({ API: service.url, TOKEN: await service.token('me'), ...account });
  });

  it('states the outcome of every example', () => {
    expect(blocks.length).toBeGreaterThan(8);
    expect(blocks.filter(({ status }) => status === 'none').map(({ text }) => text)).toEqual([]);
  });

  it.each(blocks.map((block, index) => ({ ...block, index, name: block.text.split('\n')[0] ?? '' })))(
    'is right that $name … is answered $status',
    ({ index, status, fragment }) => {
      const output = outputs[index] ?? '';
      expect(output).toMatch(new RegExp(`^${status}$`, 'm'));
      expect(output).toContain(fragment);
    },
  );
});
