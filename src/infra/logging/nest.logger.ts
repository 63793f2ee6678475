import { type LoggerService } from '@nestjs/common';
import { type Log } from '../../kernel/log.js';
import { stackFrames } from './redaction.js';

/** Nest's own lines on our log. Its start-up chatter is worth `debug`; its errors come as an error, or as texts and a stack. */
export const nestLogger = (log: Log): LoggerService => {
  const context = (rest: readonly unknown[]) => ({ context: rest.filter((item) => typeof item === 'string').at(-1) ?? 'Nest' });
  const said = (message: unknown): string => (typeof message === 'string' ? message : 'Nest logged something that is not a text');
  const failed = (message: unknown, ...rest: unknown[]): void => {
    if (message instanceof Error) {
      log.error('Nest reported an error', message, context(rest));
      return;
    }
    const stack = rest.filter((item) => typeof item === 'string').flatMap(stackFrames);
    const name = rest.filter((item) => typeof item === 'string' && stackFrames(item).length === 0).at(-1);
    log.warn('Nest reported an error', { context: name ?? 'Nest', stack });
  };
  return {
    log: (message: unknown, ...rest: unknown[]) => {
      log.debug(said(message), context(rest));
    },
    warn: (message: unknown, ...rest: unknown[]) => {
      log.warn(said(message), context(rest));
    },
    debug: (message: unknown, ...rest: unknown[]) => {
      log.debug(said(message), context(rest));
    },
    verbose: () => undefined,
    error: failed,
    fatal: failed,
  };
};
