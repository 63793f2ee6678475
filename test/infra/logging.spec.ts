import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { correlated } from '../../src/infra/logging/correlation.context.js';
import { pinoLog } from '../../src/infra/logging/log.pino.js';
import { nestLogger } from '../../src/infra/logging/nest.logger.js';
import { Refused } from '../../src/kernel/refused.js';

const recorder = (format: 'json' | 'text' = 'json') => {
  const written: string[] = [];
  const log = pinoLog({ level: 'debug', format }, { write: (line) => void written.push(line) });
  return { log, written, last: () => JSON.parse(written.at(-1) ?? '{}') as Record<string, unknown> };
};

const thrown = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('The log', () => {
  it('is one JSON object per line, with time, level and message', () => {
    const { log, last, written } = recorder();
    log.info('Synced', { changes: 3, position: 12n });
    expect(written[0]).toMatch(/\}\n$/);
    expect(last()).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), msg: 'Synced', changes: 3, position: '12' });
  });

  it.each([
    'title',
    'location',
    'description',
    'summary',
    'attendees',
    'email',
    'userName',
    'server_url',
    'href',
    'Authorization',
    'refresh-token',
  ])('never shows what is called %s, however deep', (name) => {
    const { log, written } = recorder();
    log.warn('Odd object', { [name]: 'personal', deep: [{ deeper: { [name]: ['personal'] } }] });
    log.error('Odd object', new Error('x'), { [name]: 'personal' });
    expect(written.join('')).not.toContain('personal');
  });

  it.each([
    ['JSON.parse', thrown(() => JSON.parse('ann@example.com') as unknown)],
    ['zod', thrown(() => z.enum(['a']).parse('ann@example.com'))],
    [
      'Postgres',
      Object.assign(new Error('Key (email)=(ann@example.com)'), { code: '23505', detail: 'ann@example.com', constraint: 'users_email' }),
    ],
    ['a cause', new Error('outer', { cause: new Error('ann@example.com') })],
  ])('tells where an error of %s is, and not the data it quotes', (_name, error) => {
    const { log, written, last } = recorder();
    log.error('It failed', error, { again: error });
    log.error('It failed', 'ann@example.com');
    expect(written.join('')).not.toContain('ann@example.com');
    expect(last()['error']).toHaveProperty('type');
  });

  it('keeps the code, place and frames of a database error, and the words of our own refusals', () => {
    const { log, last } = recorder();
    log.error('It failed', Object.assign(new Error('secret'), { code: '23505', constraint: 'one_per_user' }));
    expect(last()['error']).toMatchObject({ code: '23505', constraint: 'one_per_user' });
    expect((last()['error'] as { stack: string[] }).stack[0]).toMatch(/^at .*logging\.spec/);
    log.error('It failed', new Refused('calendar.read-only'));
    expect(last()['error']).toMatchObject({ type: 'Refused', code: 'calendar.read-only', message: 'calendar.read-only' });
  });

  it('names the chain of causes a line belongs to', async () => {
    const { log, last } = recorder();
    await correlated('chain-1', async () => {
      await Promise.resolve();
      log.info('Inside');
    });
    expect(last()).toMatchObject({ correlationId: 'chain-1' });
    log.info('Outside');
    expect(last()).not.toHaveProperty('correlationId');
  });

  it('is one readable line at a terminal', () => {
    const { log, written } = recorder('text');
    log.warn('Calendar is late', { minutes: 5 });
    expect(written[0]).toMatch(/^\S+\d\d:\d\d:\d\d\.\d{3}\S* \S*warn \S* Calendar is late {2}minutes=5\n$/);
  });

  it('takes Nest’s own lines, without the message on top of a stack', () => {
    const { log, written, last } = recorder();
    const nest = nestLogger(log);
    nest.log('Mapped a route', 'RouterExplorer');
    expect(last()).toMatchObject({ level: 'debug', msg: 'Mapped a route', context: 'RouterExplorer' });
    nest.error('Key (email)=(ann@example.com)', 'Error: ann@example.com\n    at here (file.js:1:1)', 'ExceptionsHandler');
    expect(last()).toMatchObject({ context: 'ExceptionsHandler', stack: ['at here (file.js:1:1)'] });
    nest.error(new Error('ann@example.com'));
    expect(written.join('')).not.toContain('ann@example.com');
  });
});
