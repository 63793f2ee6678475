import { parentPort, workerData } from 'node:worker_threads';

// The body of a thread that plays no role: it answers one check, and is asked for numbers to make it end (`mortal`) or block (`busy`).
const { name } = workerData;
parentPort.on('message', ({ tell, question }) => {
  if (tell === 'stop') process.exit(0);
  if (tell === 'metrics' && name === 'mortal') throw new Error('no numbers');
  if (tell === 'metrics' && name === 'busy') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  parentPort.postMessage({ question, answer: tell === 'health' ? [{ name: 'its own check', ok: true }] : [] });
});
