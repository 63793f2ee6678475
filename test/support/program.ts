import { spawn } from 'node:child_process';

/** Runs a program of Node to its end; `args` begin with its file. Answers its exit code and all it printed. */
export const runProgram = async (
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<Readonly<{ code: number | null; printed: string }>> => {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      printed += part.toString();
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, printed };
};
