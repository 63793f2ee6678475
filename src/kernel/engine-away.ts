/**
 * The database, the event store or the broker of topics is out of reach for the moment. Of a write nothing is known: it may have happened. Callers that can, do it
 * again; people are asked to.
 */
export class EngineAway extends Error {
  override readonly name = 'EngineAway';
  constructor(
    readonly engine: 'database' | 'event store' | 'broker',
    cause: unknown,
  ) {
    super(`the ${engine} is away`, { cause });
  }
}

/** Runs a call to an engine; a failure that `isAway` recognises becomes `EngineAway`, any other stays what it is. */
export const reaching = async <T>(
  engine: EngineAway['engine'],
  isAway: (error: unknown) => boolean,
  call: () => Promise<T>,
): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw isAway(error) ? new EngineAway(engine, error) : error;
  }
};
