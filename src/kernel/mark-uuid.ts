/** A UUID (version 8, RFC 9562) made of a mark (base64url of at least 16 bytes): the same mark always makes the same one. */
export const uuidOf = (mark: string): string => {
  const bytes = Buffer.from(mark, 'base64url');
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
