import { readFileSync } from 'node:fs';

/** TLS settings of a server that listens with a certificate and its key; paths of PEM files. */
export const secured = ({ cert, key }: Readonly<{ cert: string; key: string }>) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  minVersion: 'TLSv1.2' as const,
});
