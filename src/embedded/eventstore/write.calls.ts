import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import {
  type AppendReq,
  type AppendResp,
  type DeleteReq,
  type DeleteResp,
  type TombstoneReq,
  type TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { type handleClientStreamingCall, type handleUnaryCall, type sendUnaryData, type ServiceError } from '@grpc/grpc-js';
import { callError } from './failures.wire.js';
import { type Expected } from './expected-revision.js';
import { type Writer } from './log.writer.js';
import { type Order, type Outcome } from './order.js';
import { expectedOf, proposedEvent, streamName } from './protocol.wire.js';
import { MAX_APPEND_BYTES, type ProposedEvent, weightOf } from './stored-event.js';

const wrongRevisionAnswer = (current: bigint | null, expected: Expected): AppendResp => {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (current === null) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(current.toString());
  if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new shared.Empty());
  else if (expected === 'stream-exists') wrong.setExpectedStreamExists(new shared.Empty());
  else wrong.setExpectedRevision(expected.toString());
  const response = new streams.AppendResp();
  response.setWrongExpectedVersion(wrong);
  return response;
};

const successAnswer = ({ revision, position }: Extract<Outcome, { kind: 'done' }>): AppendResp => {
  const success = new streams.AppendResp.Success();
  if (revision === null) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(revision.toString());
  if (position === null) {
    success.setNoPosition(new shared.Empty());
  } else {
    const at = new streams.AppendResp.Position();
    at.setCommitPosition(position.toString());
    at.setPreparePosition(position.toString());
    success.setPosition(at);
  }
  const response = new streams.AppendResp();
  response.setSuccess(success);
  return response;
};

const collect = async (call: AsyncIterable<AppendReq>): Promise<Order> => {
  let head: Pick<Order, 'stream' | 'expected'> | null = null;
  let bytes = 0;
  const events: ProposedEvent[] = [];
  for await (const message of call) {
    const options = message.getOptions();
    const proposal = message.getProposedMessage();
    if (options !== undefined) {
      head = { stream: streamName(options.getStreamIdentifier()), expected: expectedOf(options, () => options.getRevision()) };
    } else if (proposal !== undefined) {
      events.push(proposedEvent(proposal));
      bytes += weightOf(events.slice(-1));
    }
    if (bytes > MAX_APPEND_BYTES) throw callError({ kind: 'too-large' }, '');
  }
  if (head === null) throw callError({ kind: 'invalid', reason: 'The first message has to name the stream.' }, '');
  return { what: 'append', ...head, events };
};

/** A handler that answers with what the work resolves to, or with the error it throws. */
const answering =
  <Call, Response>(work: (call: Call) => Promise<Response>) =>
  (call: Call, answer: sendUnaryData<Response>): void => {
    work(call).then(
      (response) => {
        answer(null, response);
      },
      (error: unknown) => {
        answer(error as ServiceError);
      },
    );
  };

/** Submits an order and answers where its last event stands. */
const positionAfter = async (writer: Writer, order: Order): Promise<string> => {
  const outcome = await writer.submit(order);
  if (outcome.kind !== 'done') throw callError(outcome, order.stream, order.expected);
  return String(outcome.position ?? 0n);
};

type Targeted = Readonly<{ getStreamIdentifier(): StreamIdentifier | undefined; getRevision(): string }> & Parameters<typeof expectedOf>[0];

const orderOf = (what: 'delete' | 'tombstone', options: Targeted | undefined): Order => {
  if (options === undefined) throw callError({ kind: 'invalid', reason: 'The message has to name the stream.' }, '');
  const expected = expectedOf(options, () => options.getRevision());
  return { what, stream: streamName(options.getStreamIdentifier()), expected, events: [] };
};

/** One append per call; the official client takes this way only when an append brings credentials of its own. */
export const append = (writer: Writer): handleClientStreamingCall<AppendReq, AppendResp> =>
  answering(async (call: AsyncIterable<AppendReq>) => {
    const order = await collect(call);
    const outcome = await writer.submit(order);
    if (outcome.kind === 'done') return successAnswer(outcome);
    if (outcome.kind === 'wrong-revision') return wrongRevisionAnswer(outcome.current, order.expected);
    throw callError(outcome, order.stream);
  });

/** Hides all events of a stream; the next append continues its revisions. */
export const remove = (writer: Writer): handleUnaryCall<DeleteReq, DeleteResp> =>
  answering(async ({ request }: Readonly<{ request: DeleteReq }>) => {
    const at = await positionAfter(writer, orderOf('delete', request.getOptions()));
    const position = new streams.DeleteResp.Position();
    position.setCommitPosition(at);
    position.setPreparePosition(at);
    const response = new streams.DeleteResp();
    response.setPosition(position);
    return response;
  });

/** Ends a stream for ever. */
export const tombstone = (writer: Writer): handleUnaryCall<TombstoneReq, TombstoneResp> =>
  answering(async ({ request }: Readonly<{ request: TombstoneReq }>) => {
    const at = await positionAfter(writer, orderOf('tombstone', request.getOptions()));
    const position = new streams.TombstoneResp.Position();
    position.setCommitPosition(at);
    position.setPreparePosition(at);
    const response = new streams.TombstoneResp();
    response.setPosition(position);
    return response;
  });
