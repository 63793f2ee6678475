import { randomUUID } from 'node:crypto';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import convert from '@eventstore/db-client/dist/utils/convertGrpcEvent.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventFrame } from '../../src/embedded/eventstore/event-frame.wire.js';
import { checkpointResponse, confirmationResponse, streamNotFoundResponse } from '../../src/embedded/eventstore/protocol.wire.js';
import { type StoredEvent } from '../../src/embedded/eventstore/stored-event.js';
import { readEventsByHand } from '../../src/infra/eventstore/read-response.wire.js';

const byScript = streams.ReadResp.deserializeBinary.bind(streams.ReadResp);

beforeAll(() => {
  readEventsByHand();
});

afterAll(() => {
  streams.ReadResp.deserializeBinary = byScript;
});

const place = fc.oneof(fc.bigInt(0n, 9_223_372_036_854_775_807n), fc.constantFrom(0n, 127n, 128n, 9_007_199_254_740_992n));
const json = fc.record({ text: fc.string({ unit: 'grapheme' }), number: fc.nat() }).map((value) => Buffer.from(JSON.stringify(value)));

const stored: fc.Arbitrary<StoredEvent> = fc.record({
  id: fc.constant(null).map(() => randomUUID()),
  type: fc.string({ unit: 'grapheme', minLength: 1 }),
  json: fc.boolean(),
  data: fc.oneof(json, fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(20_000))),
  metadata: fc.oneof(json, fc.uint8Array({ maxLength: 300 })),
  stream: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
  revision: place,
  position: place,
  created: fc.bigInt(0n, 17_000_000_000_000_000n),
});

/** What the client hands on of a response with an event; bytes as they are, whatever class they come in. */
const handedOn = (response: ReadResp): unknown => {
  const event = response.getEvent();
  const plain = (value: unknown): unknown => (value instanceof Uint8Array ? [...value] : value);
  const seen = (record: object | undefined): unknown =>
    record === undefined ? null : Object.fromEntries(Object.entries(record).map(([name, value]) => [name, plain(value)]));
  if (event === undefined) return null;
  const { event: found, link, commitPosition } = convert.convertGrpcEvent(event);
  return { event: seen(found), link: seen(link), commitPosition };
};

describe('A response read by hand', () => {
  it('brings the client the same event as google-protobuf does, and the link to it', () => {
    fc.assert(
      fc.property(fc.option(stored), fc.option(stored), (event, link) => {
        const bytes = new Uint8Array(eventFrame({ event, link }).subarray(5));
        expect(handedOn(streams.ReadResp.deserializeBinary(bytes))).toEqual(handedOn(byScript(bytes)));
      }),
    );
  });

  it('is google-protobuf’s own when it carries no event', () => {
    for (const response of [confirmationResponse(randomUUID()), checkpointResponse(7n), streamNotFoundResponse('note-1')]) {
      expect(streams.ReadResp.deserializeBinary(response.serializeBinary()).toObject()).toEqual(response.toObject());
    }
  });

  it('is google-protobuf’s own when the event has a field of a later protocol, or no position', () => {
    const response = new streams.ReadResp();
    const resolved = new streams.ReadResp.ReadEvent();
    const event = new streams.ReadResp.ReadEvent.RecordedEvent();
    event.setData(Buffer.from('{}'));
    resolved.setEvent(event);
    response.setEvent(resolved);
    const later = Buffer.concat([response.serializeBinary(), Buffer.from([0x7a, 1, 0])]);
    expect(streams.ReadResp.deserializeBinary(later).toObject()).toEqual(response.toObject());
  });

  it('is refused when it is cut short, wherever that is', () => {
    fc.assert(
      fc.property(stored, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (event, share) => {
        const bytes = new Uint8Array(eventFrame({ event, link: null }).subarray(5));
        const half = bytes.slice(0, Math.ceil(bytes.length * share));
        const outcome = (read: (bytes: Uint8Array) => ReadResp): unknown => {
          try {
            return handedOn(read(half));
          } catch {
            return 'refused';
          }
        };
        expect(outcome((bytes) => streams.ReadResp.deserializeBinary(bytes))).toEqual(outcome(byScript));
      }),
    );
  });
});
