import { type Metadata } from './event-store.js';

/**
 * What led to an event: a request, or a piece of the system's own work. It is made once, where that begins, and handed on whole, so that every
 * event of it says the same.
 */
export type Cause = Omit<Metadata, 'commandId' | 'via'> & Readonly<{ via: string }>;

/** Metadata of one append. `commandId`: a fresh one for each, unless a repeated request is to be recognised by it. */
export const metadataOf = (cause: Cause, commandId: string): Metadata => ({ ...cause, commandId });

/**
 * A piece of work the system does by itself, or as part of what `correlationId` (a UUID) began. `role`: who does it, such as `sync`; `subject`: the
 * person whose data it is about, null when it is about no single one.
 */
export const systemCause = (role: string, subject: string | null, correlationId: string): Cause => ({
  correlationId,
  causationId: correlationId,
  actor: `system:${role}`,
  subject,
  via: role,
  origin: null,
});
