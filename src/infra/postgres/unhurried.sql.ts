/**
 * In the `from` of a statement that writes: its commit does not wait for the disk, which takes longer than all else of it. For what the loss of a fraction
 * of a second does no harm to, when the server dies; nothing that is committed later can outlive it.
 */
export const UNHURRIED = `(select set_config('synchronous_commit', 'off', true)) as unhurried`;
