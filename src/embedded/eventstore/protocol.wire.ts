import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type StreamIdentifier, type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type Expected } from './expected-revision.js';
import { Fault, STATUS } from './grpc-status.js';
import { type ProposedEvent } from './stored-event.js';

/** What the client says of a message, in AppendReq, BatchAppendReq, DeleteReq and TombstoneReq alike. */
type SaysExpected = Readonly<{ hasNoStream(): boolean; hasAny(): boolean; hasStreamExists(): boolean }>;

type Proposal = Readonly<{
  getId(): UUID | undefined;
  getMetadataMap(): Readonly<{ get(name: string): string | undefined }>;
  getCustomMetadata_asU8(): Uint8Array;
  getData_asU8(): Uint8Array;
}>;

const JSON_CONTENT = 'application/json';

/** `revision`: what the message gives when it names one. */
export const expectedOf = (options: SaysExpected, revision: () => string): Expected => {
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream-exists';
  return BigInt(revision());
};

/** Throws a `Fault` when there is no name. */
export const streamName = (identifier: StreamIdentifier | undefined): string => {
  const name = Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
  if (name === '' || name === '$$') throw new Fault(STATUS.invalidArgument, 'A stream needs a name.');
  return name;
};

export const streamIdentifier = (stream: string): StreamIdentifier => {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, 'utf8'));
  return identifier;
};

/** The canonical text of a UUID, which clients send as text or as two 64-bit halves. */
export const uuidText = (uuid: UUID | undefined): string => {
  const halves = uuid?.getStructured();
  if (halves === undefined) return (uuid?.getString() ?? '').toLowerCase();
  const hex = [halves.getMostSignificantBits(), halves.getLeastSignificantBits()]
    .map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

export const uuid = (text: string): UUID => {
  const message = new shared.UUID();
  message.setString(text);
  return message;
};

const NO_ID = '00000000-0000-0000-0000-000000000000';
const UUID_FORM = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws a `Fault` when the message is not what its name says. */
export const decoded = <Message>(type: Readonly<{ deserializeBinary(bytes: Uint8Array): Message }>, bytes: Uint8Array): Message => {
  try {
    return type.deserializeBinary(bytes);
  } catch {
    throw new Fault(STATUS.invalidArgument, 'The message cannot be read.');
  }
};

/** A copy, so that it does not keep the message it came in. Throws a `Fault` when the protocol does not allow the event. */
export const proposedEvent = (message: Proposal): ProposedEvent => {
  const properties = message.getMetadataMap();
  const [type, contentType] = [properties.get('type'), properties.get('content-type')];
  if (type === undefined || contentType === undefined) {
    throw new Fault(STATUS.invalidArgument, 'Required metadata properties are missing.', {
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    });
  }
  const id = uuidText(message.getId());
  if (type === '') throw new Fault(STATUS.invalidArgument, 'An event needs a type.');
  if (!UUID_FORM.test(id) || id === NO_ID) throw new Fault(STATUS.invalidArgument, 'An event’s id is not a UUID.');
  const [data, metadata] = [message.getData_asU8(), message.getCustomMetadata_asU8()];
  return { id, type, json: contentType === JSON_CONTENT, data: Buffer.from(data), metadata: Buffer.from(metadata) };
};

export const confirmationResponse = (id: string): ReadResp => {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(id);
  const response = new streams.ReadResp();
  response.setConfirmation(confirmation);
  return response;
};

export const checkpointResponse = (position: bigint): ReadResp => {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(position.toString());
  checkpoint.setPreparePosition(position.toString());
  const response = new streams.ReadResp();
  response.setCheckpoint(checkpoint);
  return response;
};

export const caughtUpResponse = (): ReadResp => {
  const response = new streams.ReadResp();
  response.setCaughtUp(new streams.ReadResp.CaughtUp());
  return response;
};

export const fellBehindResponse = (): ReadResp => {
  const response = new streams.ReadResp();
  response.setFellBehind(new streams.ReadResp.FellBehind());
  return response;
};

export const streamNotFoundResponse = (stream: string): ReadResp => {
  const notFound = new streams.ReadResp.StreamNotFound();
  notFound.setStreamIdentifier(streamIdentifier(stream));
  const response = new streams.ReadResp();
  response.setStreamNotFound(notFound);
  return response;
};
