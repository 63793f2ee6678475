type Line = Readonly<{ level: string; time: string; msg?: string; error?: Readonly<{ stack?: readonly string[] }> }>;

const COLOUR: Readonly<Record<string, number>> = { fatal: 31, error: 31, warn: 33, info: 32 };

/** A JSON log line as a person reads it: `12:30:01.250 info  message  field=value`, an error's frames below. */
export const oneLine = (json: string): string => {
  const { level, time, msg = '', error, ...fields } = JSON.parse(json) as Line;
  const { stack = [], ...place } = error ?? {};
  const said = Object.entries({ ...fields, ...place }).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const head = `\u001b[2m${time.slice(11, 23)}\u001b[0m \u001b[${COLOUR[level] ?? 2}m${level.padEnd(5)}\u001b[0m ${msg}`;
  return `${[[head, ...said].join('  '), ...stack.map((frame) => `    ${frame}`)].join('\n')}\n`;
};
