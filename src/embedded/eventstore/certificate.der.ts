import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';

/** Key and certificate, both PEM. */
export type Identity = Readonly<{ key: string; certificate: string }>;

/** One ASN.1 value in DER (X.690): tag, length, content. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (encoded: string): Buffer => der(0x06, hex(encoded));
const octets = (content: Uint8Array): Buffer => der(0x04, content);
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const SUBJECT_ALTERNATIVE_NAME = oid('551d11');

/**
 * A self-signed certificate for localhost and 127.0.0.1 (X.509 v3, RFC 5280; P-256), without an end date, because only a client that is given it trusts it.
 * The official client sends a password over TLS only, and neither Node nor npm packages in use make certificates. It has no basic constraints:
 * clients built on rustls, such as KurrentDB's, refuse a server whose own certificate is an authority's.
 */
export const selfSigned = (name: string): Identity => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const who = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(15)]);
  const alternatives = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const content = sequence(
    der(0xa0, hex('020102')),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    who,
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x18, Buffer.from('99991231235959Z'))),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(SUBJECT_ALTERNATIVE_NAME, octets(alternatives)))),
  );
  const certificate = sequence(content, ECDSA_WITH_SHA256, bits(sign('sha256', content, privateKey)));
  const base64 = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
};

/** True for a certificate of an authority, as `selfSigned` made them before; some clients refuse a server that shows one. */
export const isAuthority = (certificate: string): boolean => new X509Certificate(certificate).ca;
