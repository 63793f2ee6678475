import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type BatchAppendReq, type BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { type Expected } from './expected-revision.js';
import { type Allowance } from './allowance.js';
import { batchError, type Failure } from './failures.wire.js';
import { type Call, framed } from './grpc.call.js';
import { type Handler } from './grpc.server.js';
import { Fault, STATUS } from './grpc-status.js';
import { type Writer } from './log.writer.js';
import { type Outcome } from './order.js';
import { decoded, expectedOf, proposedEvent, streamIdentifier, streamName, uuid, uuidText } from './protocol.wire.js';
import { MAX_APPEND_BYTES, type ProposedEvent, weightOf } from './stored-event.js';

/**
 * An append whose messages are still coming in. `bytes` goes on counting when it is too large; the events are let go. `refused`: what the
 * protocol does not allow in it, which is answered when its last message has come.
 */
type Incoming = { stream: string; expected: Expected; events: ProposedEvent[]; bytes: number; refused: Failure | null };

const success = ({ revision, position }: Extract<Outcome, { kind: 'done' }>): BatchAppendResp.Success => {
  const result = new streams.BatchAppendResp.Success();
  if (revision === null) result.setNoStream(new empty.Empty());
  else result.setCurrentRevision(revision.toString());
  if (position === null) {
    result.setNoPosition(new empty.Empty());
  } else {
    const at = new shared.AllStreamPosition();
    at.setCommitPosition(position.toString());
    at.setPreparePosition(position.toString());
    result.setPosition(at);
  }
  return result;
};

const response = (correlation: string, { stream, expected }: Incoming, outcome: Outcome | Failure): BatchAppendResp => {
  const message = new streams.BatchAppendResp();
  message.setCorrelationId(uuid(correlation));
  message.setStreamIdentifier(streamIdentifier(stream));
  if (outcome.kind === 'done') message.setSuccess(success(outcome));
  else message.setError(batchError(outcome, expected));
  if (expected === 'any') message.setAny(new empty.Empty());
  else if (expected === 'no-stream') message.setNoStream(new empty.Empty());
  else if (expected === 'stream-exists') message.setStreamExists(new empty.Empty());
  else message.setStreamPosition(expected.toString());
  return message;
};

/** Runs `step`; null, and the append is refused, when the protocol does not allow what the client sent. */
const allowed = <T>(incoming: Incoming, step: () => T): T | null => {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    incoming.refused ??= { kind: 'invalid', reason: error.message };
    return null;
  }
};

const begin = (message: BatchAppendReq): Incoming => {
  const incoming: Incoming = { stream: '', expected: 'any', events: [], bytes: 0, refused: null };
  const options = message.getOptions();
  if (options === undefined) {
    incoming.refused = { kind: 'invalid', reason: 'An append begins with its options.' };
    return incoming;
  }
  incoming.expected = expectedOf(options, () => options.getStreamPosition());
  incoming.stream = allowed(incoming, () => streamName(options.getStreamIdentifier())) ?? '';
  return incoming;
};

/** What an unfinished append counts for beside its events. */
const OVERHEAD = 1_024;

/** The appends of one call whose messages are still coming in; what they hold counts against the allowance. */
const createIncoming = (held: Allowance) => {
  const open = new Map<string, Incoming>();
  let taken = 0;
  const hold = (bytes: number): void => {
    if (!held.take(bytes)) throw new Fault(STATUS.resourceExhausted, 'Too many appends are unfinished at once.');
    taken += bytes;
  };
  const release = (bytes: number): void => {
    held.give(bytes);
    taken -= bytes;
  };
  return {
    /** The whole append when this message was its last, else null. */
    add: (correlation: string, message: BatchAppendReq): Incoming | null => {
      const known = open.get(correlation);
      const incoming = known ?? begin(message);
      const events = allowed(incoming, () => message.getProposedMessagesList().map(proposedEvent)) ?? [];
      const before = known === undefined ? 0 : OVERHEAD + weightOf(known.events);
      incoming.bytes += weightOf(events);
      if (incoming.bytes > MAX_APPEND_BYTES || incoming.refused !== null) incoming.events = [];
      else incoming.events.push(...events);
      if (message.getIsFinal()) {
        open.delete(correlation);
        release(before);
        return incoming;
      }
      open.set(correlation, incoming);
      hold(OVERHEAD + weightOf(incoming.events));
      release(before);
      return null;
    },
    end: () => {
      release(taken);
    },
  };
};

const answerTo =
  ({ send, signal }: Call) =>
  (correlation: string, incoming: Incoming, outcome: Outcome | Failure): Promise<void> =>
    // A client that has gone is told by the append's own repetition.
    signal.aborted ? Promise.resolve() : send(framed(response(correlation, incoming, outcome))).catch(() => undefined);

const fateOf = (writer: Writer, { stream, expected, events, bytes, refused }: Incoming): Promise<Outcome | Failure> => {
  if (refused !== null) return Promise.resolve(refused);
  if (bytes > MAX_APPEND_BYTES) return Promise.resolve({ kind: 'too-large' });
  return writer.submit({ what: 'append', stream, expected, events });
};

/**
 * Many appends over one call, each in as many messages as it needs, told apart by a correlation id and answered as each is on disk. The
 * official client holds one such call open per connection. Deadlines are not read: the writer has a limit of its own.
 */
export const batchAppend =
  (writer: Writer, held: Allowance): Handler =>
  async (call) => {
    const answer = answerTo(call);
    const unanswered = new Set<Promise<void>>();
    const incoming = createIncoming(held);
    try {
      for await (const request of call.requests) {
        const message = decoded(streams.BatchAppendReq, request);
        const correlation = uuidText(message.getCorrelationId());
        const whole = incoming.add(correlation, message);
        if (whole === null) continue;
        const outcome = fateOf(writer, whole);
        const answered = outcome.then((known) => answer(correlation, whole, known)).finally(() => unanswered.delete(answered));
        unanswered.add(answered);
        await writer.room();
      }
      await Promise.all(unanswered);
    } finally {
      incoming.end();
    }
  };
