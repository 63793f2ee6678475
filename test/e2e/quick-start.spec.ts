import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { suiteResources } from '../support/opened.js';
import { startService } from '../support/service.js';

const GUIDE = readFileSync(fileURLToPath(new URL('../../docs/quick-start.md', import.meta.url)), 'utf8');

/** The `sh` block that follows a heading. */
const blockUnder = (heading: string): string => {
  const [, text] = new RegExp(`^## ${heading}\n.*?^\`\`\`sh\n(.*?)^\`\`\`$`, 'ms').exec(GUIDE) ?? [];
  if (text === undefined) throw new Error(`there is no example under ${heading}`);
  return text;
};

type Outcome = Readonly<{ output: string; statuses: readonly string[] }>;

/** Runs lines in one shell, as somebody types them; `curl` tells its statuses apart from what it prints. */
const run = async (script: string): Promise<Outcome> => {
  const shell = spawn('bash', ['-uc', `curl() { command curl --max-time 60 -w '%{stderr}%{http_code}\\n' "$@"; }\n${script}`], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, statuses] = ['', ''];
  shell.stdout.on('data', (part: Buffer) => (output += part.toString()));
  shell.stderr.on('data', (part: Buffer) => (statuses += part.toString()));
  await new Promise((resolve) => shell.once('close', resolve));
  return { output, statuses: statuses.trim().split('\n') };
};

describe('The quick start', () => {
  const opened = suiteResources();
  let outcome: Outcome;

  beforeAll(async () => {
    const service = await opened(startService({ PROVIDERS: 'sandbox' }));
    const sandbox = /made-up accounts: (\S+)/.exec(service.output())?.[1] ?? 'unknown';
    const typed = [
      blockUnder('The same by hand'),
      blockUnder('A bad day').replace(/^npm run week\n/m, ''),
      `curl -s -X DELETE $SANDBOX'sandbox/faults'`,
    ];
    outcome = await run(typed.join('\n').replace('http://localhost:3000', service.url).replace('http://localhost:3001/', sandbox));
  });

  it('has examples that are all answered as they are meant', () => {
    expect(outcome.statuses.map((status) => status.replace(/^20[04]$/, 'ok'))).toEqual([
      'ok',
      '201',
      'ok',
      expect.stringMatching(/^(ok|201)$/),
      '202',
      'ok',
    ]);
  });

  it('shows the calendars of the account it connects', () => {
    expect(outcome.output).toMatch(/"account":"noah@work.example","status":"(syncing|connected)"/);
    // Its first reading may still be under way.
    expect(outcome.output).toMatch(/"freshness":\[\{"calendarId"/);
  });
});
