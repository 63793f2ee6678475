/**
 * A message that no number of tries makes readable: it is parked at once. `code`: why, permanent (`directory.malformed`); it goes into headers, metrics and
 * logs. Nothing of the message is part of the error.
 */
export class Poison extends Error {
  override readonly name = 'Poison';
  constructor(readonly code: string) {
    super(`a message cannot be read: ${code}`);
  }
}
