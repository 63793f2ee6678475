/** An order to a simulator names something it does not have. */
export class NoSuchThing extends Error {
  override readonly name = 'NoSuchThing';
}
