import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type BatchAppendReq, type BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type ServerDuplexStream } from '@grpc/grpc-js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { type Expected } from './expected-revision.js';
import { batchError, type Failure } from './failures.wire.js';
import { type Writer } from './log.writer.js';
import { type Outcome } from './order.js';
import { expectedOf, proposedEvent, streamIdentifier, streamName, uuid, uuidText } from './protocol.wire.js';
import { MAX_APPEND_BYTES, type ProposedEvent, weightOf } from './stored-event.js';

/** An append whose messages are still coming in. `bytes` goes on counting when it is too large; the events are let go. */
type Incoming = { stream: string; expected: Expected; events: ProposedEvent[]; bytes: number };

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

const begin = (message: BatchAppendReq): Incoming => {
  const options = message.getOptions() ?? new streams.BatchAppendReq.Options();
  const expected = expectedOf(options, () => options.getStreamPosition());
  return { stream: streamName(options.getStreamIdentifier()), expected, events: [], bytes: 0 };
};

const take = (incoming: Incoming, message: BatchAppendReq): void => {
  const events = message.getProposedMessagesList().map(proposedEvent);
  incoming.bytes += weightOf(events);
  if (incoming.bytes > MAX_APPEND_BYTES) incoming.events = [];
  else incoming.events.push(...events);
};

/**
 * Many appends over one call, each in as many messages as it needs, told apart by a correlation id and answered as each is on disk. The
 * official client holds one such call open per connection. Deadlines are not read: the writer has a limit of its own.
 */
export const batchAppend =
  (writer: Writer) =>
  (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const open = new Map<string, Incoming>();
    const answer = (correlation: string, incoming: Incoming, outcome: Outcome | Failure): void => {
      if (!call.cancelled && !call.destroyed) call.write(response(correlation, incoming, outcome));
    };
    let unanswered = 0;
    let ended = false;
    const finish = (): void => {
      if (ended && unanswered === 0) call.end();
    };

    call.on('data', (message: BatchAppendReq) => {
      const correlation = uuidText(message.getCorrelationId());
      const incoming = open.get(correlation) ?? begin(message);
      open.set(correlation, incoming);
      take(incoming, message);
      if (!message.getIsFinal()) return;
      open.delete(correlation);
      if (incoming.bytes > MAX_APPEND_BYTES) {
        answer(correlation, incoming, { kind: 'too-large' });
        return;
      }
      unanswered += 1;
      void writer.submit({ what: 'append', ...incoming }).then((outcome) => {
        unanswered -= 1;
        answer(correlation, incoming, outcome);
        finish();
      });
    });
    call.on('end', () => {
      ended = true;
      finish();
    });
    call.on('error', () => undefined);
  };
