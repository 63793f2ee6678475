import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type StreamIdentifier, type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type Expected } from './expected-revision.js';
import { type ProposedEvent, type StoredEvent } from './stored-event.js';

/** What the client says of a message, in AppendReq, BatchAppendReq, DeleteReq and TombstoneReq alike. */
type SaysExpected = Readonly<{ hasNoStream(): boolean; hasAny(): boolean; hasStreamExists(): boolean }>;

type Proposal = Readonly<{
  getId(): UUID | undefined;
  getMetadataMap(): Readonly<{ get(name: string): string | undefined }>;
  getCustomMetadata_asU8(): Uint8Array;
  getData_asU8(): Uint8Array;
}>;

const JSON_CONTENT = 'application/json';
const BINARY_CONTENT = 'application/octet-stream';

/** `revision`: what the message gives when it names one. */
export const expectedOf = (options: SaysExpected, revision: () => string): Expected => {
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream-exists';
  return BigInt(revision());
};

export const streamName = (identifier: StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

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

export const proposedEvent = (message: Proposal): ProposedEvent => ({
  id: uuidText(message.getId()),
  type: message.getMetadataMap().get('type') ?? '',
  json: message.getMetadataMap().get('content-type') === JSON_CONTENT,
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
});

/** The answer that carries one event. */
export const eventResponse = (event: StoredEvent): ReadResp => {
  const position = event.position.toString();
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(uuid(event.id));
  recorded.setStreamIdentifier(streamIdentifier(event.stream));
  recorded.setStreamRevision(event.revision.toString());
  recorded.setPreparePosition(position);
  recorded.setCommitPosition(position);
  recorded.setCustomMetadata(event.metadata);
  recorded.setData(event.data);
  const properties = recorded.getMetadataMap();
  properties.set('type', event.type);
  properties.set('content-type', event.json ? JSON_CONTENT : BINARY_CONTENT);
  properties.set('created', event.created.toString());
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(recorded);
  read.setCommitPosition(position);
  const response = new streams.ReadResp();
  response.setEvent(read);
  return response;
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
