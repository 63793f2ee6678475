import { EngineAway } from '../../kernel/engine-away.js';
import { OlderProgram } from '../../kernel/projection.js';
import { UnknownEvent, UnreadableEvent } from '../../kernel/event-store.js';
import { kindOf } from '../logging/redaction.js';

/** Why a follower does not go on: a stable code, and a sentence for operators that holds nothing personal. */
export type Failure = Readonly<{ code: string; sentence: string }>;

/** Another runner has moved the checkpoint: this one lost its lock without noticing and must stop writing. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}

/** The log is an older one, or another: it lacks events that were applied, and to go on would be to take the next ones for them. */
export class OlderLog extends Error {
  override readonly name = 'OlderLog';
}

/** Rows of a newer meaning, and no program that knows it runs. */
export class NewerMeaning extends OlderProgram {
  override readonly name = 'NewerMeaning';
  constructor(projection: string) {
    super(`the rows of ${projection} were built by a newer version of the service, which alone can go on with them`);
  }
}

/** Another process builds the rows again. */
export class BeingRebuilt extends Error {
  override readonly name = 'BeingRebuilt';
}

/** Messages of other errors stay in the process: they may quote what was stored. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof UnknownEvent)
    return {
      code: 'event-unknown',
      sentence: `the log holds ${error.stored}, which this version does not know; a newer version goes on from there`,
    };
  if (error instanceof OlderProgram) return { code: 'program-older', sentence: error.message };
  if (error instanceof UnreadableEvent) return { code: 'event-unreadable', sentence: 'an event of the log does not match its schema' };
  if (error instanceof OlderLog) return { code: 'log-older', sentence: 'the log is another one than was applied, or an older copy of it' };
  if (error instanceof CheckpointMoved) return { code: 'superseded', sentence: 'another process applies its events' };
  if (error instanceof EngineAway) return { code: 'engine-away', sentence: error.message };
  return { code: 'event-failed', sentence: `an event could not be applied: ${kindOf(error)}` };
};
