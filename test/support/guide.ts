import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An example of a guide. `status`, `fragment`: the outcome that its last line states; `# → 201 "status":"` is a status and a part of the answer. */
export type Block = Readonly<{ text: string; status: string | null; fragment: string }>;

const textOf = (guide: string): string => readFileSync(fileURLToPath(new URL(`../../docs/${guide}`, import.meta.url)), 'utf8');

const fenced = (guide: string, language: string): readonly string[] =>
  [...textOf(guide).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

/** The `sh` blocks of a guide. */
export const blocksOf = (guide: string): readonly Block[] =>
  fenced(guide, 'sh').map((text) => {
    const [, status = null, fragment = ''] = /^# → (?:(\d{3})(?: |$))?(.*)$/m.exec(text) ?? [];
    return { text, status, fragment };
  });

/** Writes the `js` blocks of a guide into a folder, each under the name that its first line begins with. */
export const saveScripts = async (guide: string, folder: string): Promise<void> => {
  for (const text of fenced(guide, 'js')) {
    const [, name] = /^\/\/ ([a-z]+\.mjs)/.exec(text) ?? [];
    if (name === undefined) throw new Error(`A script of ${guide} does not say its name.`);
    await writeFile(join(folder, name), text);
  }
};

const END = '=== end of block ===';

/** What each block printed. All run in one shell, as somebody types them: what one remembers the next may use. `before`: what the shell is told first. */
export const runBlocks = async (
  blocks: readonly Block[],
  environment: Readonly<Record<string, string>>,
  { before = '', folder }: Readonly<{ before?: string; folder?: string }> = {},
): Promise<Readonly<{ outputs: readonly string[]; code: unknown; complaints: string }>> => {
  const script = [before, ...blocks.map(({ text }) => `${text}\necho '${END}'`)].join('\n');
  const shell = spawn('bash', ['-uc', script], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  let output = '';
  let complaints = '';
  shell.stdout.on('data', (part: Buffer) => (output += part.toString()));
  shell.stderr.on('data', (part: Buffer) => (complaints += part.toString()));
  const code = await new Promise((resolve) => shell.once('close', resolve));
  return { outputs: output.split(`${END}\n`).slice(0, -1), code, complaints };
};
