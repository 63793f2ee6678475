import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { etag, expectedRevision, expectedTag } from '../../src/infra/http/revision.js';

describe('If-Match', () => {
  it('gives back the revision an ETag was made of', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (revision) => expectedRevision(etag(revision)) === revision));
    expect(expectedRevision('W/"12"')).toBe(12n);
  });

  it('asks for nothing when it is missing or a star', () => {
    expect([expectedRevision(undefined), expectedRevision('*')]).toEqual([null, null]);
  });

  it.each(['', '12', '"twelve"', '"1", "2"', '"-1"'])('is refused when it is %j', (header) => {
    expect(() => expectedRevision(header)).toThrow(expect.objectContaining({ code: 'request.invalid', status: 400 }));
  });
});

describe('If-Match of a resource that is made of several streams', () => {
  it('gives back the entity tag it names', () => {
    expect(expectedTag('"a-Z_09"')).toBe('"a-Z_09"');
    expect(expectedTag(' W/"0" ')).toBe('"0"');
  });

  it('asks for nothing when it is missing or a star', () => {
    expect([expectedTag(undefined), expectedTag('*')]).toEqual([null, null]);
  });

  it.each(['', 'abc', '"a", "b"', '"not a tag"'])('is refused when it is %j', (header) => {
    expect(() => expectedTag(header)).toThrow(expect.objectContaining({ code: 'request.invalid', status: 400 }));
  });
});
