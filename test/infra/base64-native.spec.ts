import streams from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64InNode } from '../../src/infra/eventstore/base64.native.js';

const message = (data: string | Uint8Array): Uint8Array => {
  const proposed = new streams.BatchAppendReq.ProposedMessage();
  proposed.setData(data);
  return proposed.getData_asU8();
};

describe('what the official client appends', () => {
  it('is decoded by Node, to the same bytes', () => {
    decodeBase64InNode();
    expect(message('eA==')).toBeInstanceOf(Buffer);
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...message(Buffer.from(bytes).toString('base64'))]).toEqual([...bytes]);
      }),
    );
  });

  it('stays as it is when it is no base64', () => {
    decodeBase64InNode();
    const bytes = Uint8Array.of(1, 2, 255);
    expect(message(bytes)).toBe(bytes);
  });
});
