import { accountFaultOf, isDeadGrant, obstacleOf } from '../connection/account-fault.js';
import { metadataOf } from '../kernel/cause.js';
import { instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { ProviderFault } from '../provider/calendar-provider.js';
import { type SyncReport, calendar } from '../calendar/calendar.js';
import { calendarCodec } from '../calendar/calendar.codec.js';
import { isToldOf } from './freshness.js';
import { type Claimed, type Run } from './sync.context.js';
import { finishFailed } from './sync.state.js';

/** `isNew`: a fact was written. */
type Reported = Readonly<{ generation: number; isNew: boolean }>;

/** Has the calendar take note of what a run found. */
export const report = async ({ runtime, row, cause }: Omit<Claimed, 'lease'>, found: SyncReport): Promise<Reported> => {
  const { state, position } = await handle(runtime.store, calendar, calendarCodec, {
    id: row.calendar_id,
    command: { type: 'SyncDelta', report: found, at: instant(runtime.clock.now()) },
    metadata: metadataOf(cause, runtime.entropy.uuid()),
    ifMatch: null,
  });
  return { generation: state.status === 'none' ? 0 : state.generation, isNew: position !== null };
};

/** Some servers answer 401 for one calendar that is no longer shared: the grant is dead only when the account itself is refused. */
const confirmed = async ({ provider, grant, lease }: Run, error: ProviderFault): Promise<ProviderFault> => {
  if (!isDeadGrant(error.fault)) return error;
  try {
    await provider.discover(grant, lease);
    return new ProviderFault('forbidden', 'the account may not read this');
  } catch (again) {
    if (!(again instanceof ProviderFault)) throw again;
    return again;
  }
};

/** Ends a run that its provider failed. */
export const fail = async (run: Run, error: ProviderFault): Promise<void> => endWith(run, await confirmed(run, error));

const endWith = async (run: Claimed, obstacle: ProviderFault): Promise<void> => {
  const { fault, retryAfter } = obstacle;
  const { runtime, row, lease, cause } = run;
  // A passing fault is told when what is shown is no longer fresh: calendars that flap would fill their streams with it.
  if (isToldOf(fault, row.fresh_until, runtime.clock.now())) {
    await report(run, { kind: 'failed', fault });
    const told = accountFaultOf(obstacle, 'calendar');
    if (told !== null) await runtime.reportFault(row.connection_id, told, cause);
  }
  await finishFailed(runtime, row, lease, { fault, retryAfter, held: null });
};

/** Ends a run that could not begin. Throws what passes by itself. */
export const unprepared = async (run: Claimed, error: unknown): Promise<void> => {
  const obstacle = obstacleOf(error);
  if (obstacle === null) throw error;
  if (obstacle === 'key-gone') return run.runtime.reportKeyGone(run.row.connection_id, run.cause);
  return endWith(run, obstacle);
};
