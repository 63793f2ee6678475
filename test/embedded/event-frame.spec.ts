import { randomUUID } from 'node:crypto';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventFrame } from '../../src/embedded/eventstore/event-frame.wire.js';
import { type StoredEvent } from '../../src/embedded/eventstore/stored-event.js';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(new Uint8Array(127), new Uint8Array(128), new Uint8Array(20_000)),
);
const place = fc.oneof(fc.bigInt(0n, 9_223_372_036_854_775_807n), fc.constantFrom(0n, 127n, 128n, 9_007_199_254_740_992n));

const stored: fc.Arbitrary<StoredEvent> = fc.record({
  id: fc.constant(null).map(() => randomUUID()),
  type: fc.string({ unit: 'grapheme', minLength: 1 }),
  json: fc.boolean(),
  data: bytes,
  metadata: bytes,
  stream: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
  revision: place,
  position: place,
  created: place,
});

type Recorded = NonNullable<ReturnType<NonNullable<ReturnType<ReadResp['getEvent']>>['getEvent']>>;

const readBack = (event: Recorded | undefined): StoredEvent | null =>
  event === undefined
    ? null
    : {
        id: event.getId()?.getString() ?? '',
        type: event.getMetadataMap().get('type') ?? '',
        json: event.getMetadataMap().get('content-type') === 'application/json',
        data: new Uint8Array(event.getData_asU8()),
        metadata: new Uint8Array(event.getCustomMetadata_asU8()),
        stream: Buffer.from(event.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
        revision: BigInt(event.getStreamRevision()),
        position: BigInt(event.getCommitPosition()),
        created: BigInt(event.getMetadataMap().get('created') ?? ''),
      };

describe('The frame of an event', () => {
  it('is read by google-protobuf as the event and the link it was made of', () => {
    fc.assert(
      fc.property(fc.option(stored), fc.option(stored), (event, link) => {
        const frame = eventFrame({ event, link });
        expect([frame.readUInt8(0), frame.readUInt32BE(1)]).toEqual([0, frame.length - 5]);
        const read = streams.ReadResp.deserializeBinary(frame.subarray(5)).getEvent();
        expect(readBack(read?.getEvent())).toEqual(event);
        expect(readBack(read?.getLink())).toEqual(link);
        expect(read?.getCommitPosition()).toBe(((link ?? event)?.position ?? 0n).toString());
      }),
    );
  });
});
