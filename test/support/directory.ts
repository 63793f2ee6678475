import { randomUUID } from 'node:crypto';
import { type Delivered } from '../../src/kernel/broker.js';
import { DIRECTORY_TOPIC, MEMBER_TYPE, RESOURCE_TYPE } from '../../src/directory/directory.contract.js';
import { NOW } from './builders.js';

const AT = new Date(NOW).toISOString();

type Told = Readonly<{ time?: string; data?: Readonly<Record<string, unknown>> }>;

/** A message of the directory's topic as a consumer is handed it; an object becomes JSON. */
export const toldMessage = (key: string, value: unknown, at = AT): Delivered => ({
  topic: DIRECTORY_TOPIC,
  partition: 0,
  offset: 0n,
  key,
  value: value === null ? null : new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
  headers: {},
  at,
});

const event = (type: string, time: string, data: unknown) => ({ specversion: '1.0', id: randomUUID(), source: 'test', type, time, data });

export const memberMessage = (userId: string, teams: readonly string[], { time = AT, data = {} }: Told = {}): Delivered =>
  toldMessage(`member:${userId}`, event(MEMBER_TYPE, time, { userId, teams, ...data }));

export const resourceMessage = (
  resourceId: string,
  teams: readonly string[],
  data: Readonly<Record<string, unknown>> = {},
  time = AT,
): Delivered =>
  toldMessage(`resource:${resourceId}`, event(RESOURCE_TYPE, time, { resourceId, kind: 'room', name: 'Oak', teams, ...data }));
