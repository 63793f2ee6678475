import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** Runs `work`, and all it starts, under one correlation id: every line it logs carries it. */
export const correlated = <T>(correlationId: string, work: () => T): T => storage.run(correlationId, work);

/** The id of the chain of causes the caller is part of; null outside of any. */
export const currentCorrelation = (): string | null => storage.getStore() ?? null;
