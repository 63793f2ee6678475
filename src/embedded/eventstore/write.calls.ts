import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { callError } from './failures.wire.js';
import { type Expected } from './expected-revision.js';
import { type Call, framed } from './grpc.call.js';
import { type Handler } from './grpc.server.js';
import { type Writer } from './log.writer.js';
import { type Order, type Outcome } from './order.js';
import { decoded, expectedOf, proposedEvent, streamName } from './protocol.wire.js';
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

const collect = async (call: Call): Promise<Order> => {
  let head: Pick<Order, 'stream' | 'expected'> | null = null;
  let bytes = 0;
  const events: ProposedEvent[] = [];
  for await (const request of call.requests) {
    const message = decoded(streams.AppendReq, request);
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

/** The one message of a unary call. */
export const onlyRequest = async ({ requests }: Call): Promise<Buffer> => {
  let only: Buffer | null = null;
  for await (const request of requests) {
    if (only !== null) throw callError({ kind: 'invalid', reason: 'This call takes one message.' }, '');
    only = request;
  }
  if (only === null) throw callError({ kind: 'invalid', reason: 'This call takes a message.' }, '');
  return only;
};

/** A handler of a unary call. */
export const unary =
  (
    answer: (request: Buffer) => Readonly<{ serializeBinary(): Uint8Array }> | Promise<Readonly<{ serializeBinary(): Uint8Array }>>,
  ): Handler =>
  async (call) => {
    await call.send(framed(await answer(await onlyRequest(call))));
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
export const append =
  (writer: Writer): Handler =>
  async (call) => {
    const order = await collect(call);
    const outcome = await writer.submit(order);
    if (outcome.kind === 'done') await call.send(framed(successAnswer(outcome)));
    else if (outcome.kind === 'wrong-revision') await call.send(framed(wrongRevisionAnswer(outcome.current, order.expected)));
    else throw callError(outcome, order.stream);
  };

/** Hides all events of a stream; the next append continues its revisions. */
export const remove = (writer: Writer): Handler =>
  unary(async (request) => {
    const options = decoded(streams.DeleteReq, request).getOptions();
    const at = await positionAfter(writer, orderOf('delete', options));
    const position = new streams.DeleteResp.Position();
    position.setCommitPosition(at);
    position.setPreparePosition(at);
    const response = new streams.DeleteResp();
    response.setPosition(position);
    return response;
  });

/** Ends a stream: it can never be written again. */
export const tombstone = (writer: Writer): Handler =>
  unary(async (request) => {
    const options = decoded(streams.TombstoneReq, request).getOptions();
    const at = await positionAfter(writer, orderOf('tombstone', options));
    const position = new streams.TombstoneResp.Position();
    position.setCommitPosition(at);
    position.setPreparePosition(at);
    const response = new streams.TombstoneResp();
    response.setPosition(position);
    return response;
  });
