/** How long the tests may take to come to rest after the last of them, in milliseconds. */
const PATIENCE = 20_000;

/** Ends a run, and one whose tests left something running, and says of what kind it is: it fails then, rather than never end. */
export default async () => {
  await globalThis.endRun?.();
  setTimeout(() => {
    process.stderr.write(`The tests left something running, and are ended: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, PATIENCE).unref();
};
