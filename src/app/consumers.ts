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

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

/** Hands messages to the handlers of a module until aborted; rejects when the consumer has ended by itself. */
export const host = async (module: DynamicModule, consumer: Consumer, log: Log, signal: AbortSignal): Promise<void> => {
  try {
    await consumer.inspect();
    const app = await NestFactory.createMicroservice(module, { strategy: consumer.strategy, logger: nestLogger(log), abortOnError: false });
    app.useGlobalFilters(new AsThrown());
    try {
      await app.listen();
      await Promise.race([consumer.ended, aborted(signal)]);
    } finally {
      await app.close();
    }
  } finally {
    await consumer.close();
  }
};
