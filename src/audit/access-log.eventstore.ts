import { type Access, type AccessLog } from '../kernel/access-log.js';
import { metadataOf } from '../kernel/cause.js';
import { type Clock, instant } from '../kernel/clock.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { accessStream, type DataAccessed } from './access.js';
import { accessCodec } from './access.codec.js';

type Runtime = Readonly<{ store: Pick<EventStore, 'append'>; clock: Clock; entropy: Pick<Entropy, 'uuid'> }>;

/** Records accesses as facts of the log: one append for each request, one fact for each person it is about. */
export const accessLog = ({ store, clock, entropy }: Runtime): AccessLog => {
  const record = async (
    { purpose, cause }: Omit<Access, 'subjects'>,
    outcome: DataAccessed['outcome'],
    subjects: readonly (string | null)[],
  ): Promise<void> => {
    if (subjects.length === 0) return;
    const at = instant(clock.now());
    const { actor, via: route } = cause;
    const facts = subjects.map((subject) => ({ type: 'DataAccessed', actor, subject, purpose, route, outcome, at }) as const);
    // Each fact names whose data it is about.
    const metadata = metadataOf({ ...cause, subject: null }, entropy.uuid());
    await store.append(accessStream(at), null, facts, accessCodec, metadata);
  };
  return {
    granted: ({ subjects, ...access }) => record(access, 'granted', subjects),
    refused: (access) => record(access, 'refused', [null]),
  };
};
