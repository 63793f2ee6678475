import { type DestinationStream, pino, stdTimeFunctions } from 'pino';
import { type Fields, type Log } from '../../kernel/log.js';
import { currentCorrelation } from './correlation.context.js';
import { oneLine } from './one-line.js';
import { describeError, redacted } from './redaction.js';

/** `json`: one object per line, for collectors; `text`: one readable line, for a person at a terminal. */
export type LogSettings = Readonly<{ level: string; format: 'json' | 'text' }>;

/** The log of one process, written to `out`. */
export const pinoLog = ({ level, format }: LogSettings, out: DestinationStream = process.stdout): Log => {
  const destination =
    format === 'json'
      ? out
      : {
          write: (line: string) => {
            out.write(oneLine(line));
          },
        };
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const correlationId = currentCorrelation();
        return correlationId === null ? {} : { correlationId };
      },
    },
    destination,
  );
  const safe = (fields: Fields = {}): object => redacted(fields) as object;
  return {
    debug: (message, fields) => {
      log.debug(safe(fields), message);
    },
    info: (message, fields) => {
      log.info(safe(fields), message);
    },
    warn: (message, fields) => {
      log.warn(safe(fields), message);
    },
    error: (message, error, fields) => {
      log.error({ ...safe(fields), error: describeError(error) }, message);
    },
  };
};
