import 'reflect-metadata';
import { Catch, type DynamicModule, type RpcExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CustomTransportStrategy } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import { nestLogger } from '../infra/logging/nest.logger.js';
import { type Log } from '../kernel/log.js';

/** A consumer of a broker, for the handlers of one host. */
export type Consumer = Readonly<{
  strategy: CustomTransportStrategy;
  /** Looks whether reading may begin; rejects with the reason why not. */
  inspect: () => Promise<void>;
  /** Rejects when the consumer cannot go on, and another is to be made. */
  ended: Promise<never>;
  close: () => Promise<void>;
}>;

/** Nest would tell the strategy of an internal error instead of what was thrown. */
@Catch()
class AsThrown implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Tells of an abort until `off` is called: a listener that stayed behind would be one more for each consumer of a process. */
const abortOf = (signal: AbortSignal) => {
  let off = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    const tell = (): void => {
      resolve();
    };
    if (signal.aborted) tell();
    signal.addEventListener('abort', tell);
    off = () => {
      signal.removeEventListener('abort', tell);
    };
  });
  return { aborted, off };
};

/**
 * Hands messages to the handlers of a module until aborted; rejects when the consumer has ended by itself. Neither waits for brokers that do not answer while
 * the consumer begins.
 */
export const host = async (module: DynamicModule, consumer: Consumer, log: Log, signal: AbortSignal): Promise<void> => {
  const { aborted, off } = abortOf(signal);
  const isDone = (work: Promise<unknown>): Promise<boolean> =>
    Promise.race([work.then(() => true), consumer.ended, aborted.then(() => false)]);
  try {
    if (!(await isDone(consumer.inspect()))) return;
    const app = await NestFactory.createMicroservice(module, { strategy: consumer.strategy, logger: nestLogger(log), abortOnError: false });
    app.useGlobalFilters(new AsThrown());
    try {
      if (await isDone(app.listen())) await isDone(consumer.ended);
    } finally {
      await app.close();
    }
  } finally {
    off();
    await consumer.close();
  }
};
