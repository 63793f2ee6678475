import { parentPort, workerData } from 'node:worker_threads';

// The body of a thread that plays no role: it answers one check, and is asked for numbers to make it end (`mortal`) or block (`busy`). It says
// that it has begun when it is told where the engines are, unless it never does (`starting`).
const { name } = workerData;
parentPort.on('message', ({ tell, question }) => {
  if (tell === 'stop') process.exit(0);
  if (tell === 'begin') {
    if (name !== 'starting') parentPort.postMessage({ tell: 'begun' });
    return;
  }
  if (tell === 'metrics' && name === 'mortal') throw new Error('no numbers');
  if (tell === 'metrics' && name === 'busy') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  parentPort.postMessage({ tell: 'answer', question, answer: tell === 'health' ? [{ name: 'its own check', ok: true }] : [] });
});
