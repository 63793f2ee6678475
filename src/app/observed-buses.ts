import { type DynamicModule } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type AsyncContext, CommandBus, CqrsModule, QueryBus } from '@nestjs/cqrs';
import { observe } from '../infra/telemetry/observe.otel.js';
import { type Metrics } from '../kernel/metrics.js';

/** Measures and traces what a bus hands to a handler, by the class of the command or query. */
const observed = <T>(metrics: Metrics, kind: 'command' | 'query', message: object, execute: () => Promise<T>): Promise<T> => {
  const name = message.constructor.name;
  const step = { metric: kind, help: `Time a ${kind} took until it was answered`, span: `${kind} ${name}`, labels: { [kind]: name } };
  return observe(metrics, step, execute);
};

class ObservedCommandBus extends CommandBus {
  constructor(
    module: ModuleRef,
    private readonly metrics: Metrics,
  ) {
    super(module);
  }

  override execute<R = void>(command: object, context?: AsyncContext): Promise<R> {
    return observed(this.metrics, 'command', command, () => super.execute<object, R>(command, context));
  }
}

class ObservedQueryBus extends QueryBus {
  constructor(
    module: ModuleRef,
    private readonly metrics: Metrics,
  ) {
    super(module);
  }

  override execute<R>(query: object, context?: AsyncContext): Promise<R> {
    return observed(this.metrics, 'query', query, () => super.execute<object, R>(query, context as AsyncContext));
  }
}

/** The module of the buses, with buses that are measured and traced in place of its own. */
export const observedCqrs = (metrics: Metrics): DynamicModule => {
  const { providers = [], ...module } = CqrsModule.forRoot();
  return {
    ...module,
    providers: [
      ...providers,
      { provide: CommandBus, inject: [ModuleRef], useFactory: (of: ModuleRef) => new ObservedCommandBus(of, metrics) },
      { provide: QueryBus, inject: [ModuleRef], useFactory: (of: ModuleRef) => new ObservedQueryBus(of, metrics) },
    ],
  };
};
