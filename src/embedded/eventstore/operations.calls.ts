import { randomUUID } from 'node:crypto';
import operations from '@eventstore/db-client/generated/operations_pb.js';
import { type ScavengeResp } from '@eventstore/db-client/generated/operations_pb.js';
import { Fault, STATUS } from './grpc-status.js';
import { type Handler } from './grpc.server.js';
import { type Reading } from './log.database.js';
import { type Writer } from './log.writer.js';
import { decoded } from './protocol.wire.js';
import { scavenge } from './scavenge.statements.js';
import { unary } from './write.calls.js';

type Run = Readonly<{ id: string; stop: AbortController; ended: Promise<void> }>;

const { STARTED, INPROGRESS, STOPPED } = operations.ScavengeResp.ScavengeResult;

const answered = (id: string, result: ScavengeResp.ScavengeResult): ScavengeResp => {
  const response = new operations.ScavengeResp();
  response.setScavengeId(id);
  response.setScavengeResult(result);
  return response;
};

/** Says in the log, where EventStoreDB says it, how a scavenge goes. */
const report = async (writer: Writer, id: string, type: string, facts: Readonly<Record<string, unknown>>): Promise<void> => {
  const data = Buffer.from(JSON.stringify({ scavengeId: id, ...facts }));
  const event = { id: randomUUID(), type, json: true, data, metadata: Buffer.alloc(0) };
  await writer.submit({ what: 'append', stream: `$scavenges-${id}`, expected: 'any', events: [event] });
};

const work = async (reading: Reading, writer: Writer, id: string, signal: AbortSignal): Promise<void> => {
  await report(writer, id, '$scavengeStarted', {});
  try {
    const erased = await scavenge(reading, signal);
    await report(writer, id, '$scavengeCompleted', { result: signal.aborted ? 'Stopped' : 'Success', erased });
  } catch {
    await report(writer, id, '$scavengeCompleted', { result: 'Errored' });
  }
};

/** Starts and stops scavenges, one at a time, in the background. `stop` ends the one under way. */
export const scavenging = (reading: Reading, writer: Writer): Readonly<{ start: Handler; halt: Handler; stop: () => Promise<void> }> => {
  let current: Run | null = null;
  const begin = (): ScavengeResp => {
    if (current !== null) return answered(current.id, INPROGRESS);
    const [id, stop] = [randomUUID(), new AbortController()];
    const ended = work(reading, writer, id, stop.signal).finally(() => {
      current = null;
    });
    current = { id, stop, ended };
    return answered(id, STARTED);
  };
  const halt = async (request: Buffer): Promise<ScavengeResp> => {
    const id = decoded(operations.StopScavengeReq, request).getOptions()?.getScavengeId() ?? '';
    const run = current;
    if (run?.id !== id) {
      throw new Fault(STATUS.notFound, 'Scavenge id was invalid.', { exception: 'scavenge-not-found', 'scavenge-id': id });
    }
    run.stop.abort();
    await run.ended;
    return answered(id, STOPPED);
  };
  return {
    start: unary((request) => {
      decoded(operations.StartScavengeReq, request);
      return begin();
    }),
    halt: unary(halt),
    stop: async () => {
      current?.stop.abort();
      await current?.ended;
    },
  };
};
