/**
 * A remote object that makes no sense to us. `code` is stable (`object.bad-time`) and is counted and shown; what the object holds is in
 * no message, for it is personal.
 */
export class UnreadableObject extends Error {
  override readonly name = 'UnreadableObject';
  constructor(readonly code: 'object.not-icalendar' | 'object.no-event' | 'object.too-large' | 'object.bad-time') {
    super(code);
  }
}
