import { readFileSync } from 'node:fs';
import {
  AccessDeniedError,
  BACKWARDS,
  convertToCommandError,
  END,
  type EventStoreDBClient,
  StreamNotFoundError,
} from '@eventstore/db-client';
import { GossipClient } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import { type ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import { OperationsClient } from '@eventstore/db-client/generated/operations_grpc_pb.js';
import operations from '@eventstore/db-client/generated/operations_pb.js';
import { type ScavengeResp } from '@eventstore/db-client/generated/operations_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type ChannelCredentials, type Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { reaching } from '../../kernel/engine-away.js';
import { systemClock } from '../system.clock.js';
import { type Address, addressOf } from './address.js';
import { isEventStoreAway } from './away.client.js';

/** Scavenges of the event store: each node keeps a log of its own, and removes from it what is hidden when it is asked to. */
export type Operations = Readonly<{
  /** The nodes there are, as `host:port`. */
  nodes: () => Promise<readonly string[]>;
  /** Starts a scavenge on a node and answers its id, or that of the one under way there; or `REFUSED`. */
  scavenge: (node: string) => Promise<string>;
  /** How a scavenge ended, in the store's words (`Success`, `Stopped`, `Errored`, `Interrupted`), or `REFUSED`; null while it has not. */
  outcome: (id: string) => Promise<string | null>;
}>;

/** Neither an id nor an outcome: the user of the connection string may not do or see this. */
export const REFUSED = 'Refused';

const DEADLINE = 10_000;

const fileOf = (path: string | undefined): Buffer | null => (path === undefined ? null : readFileSync(path));

/** As the official client reads a connection string: it brings the messages of these services, but no methods for them. */
const transportOf = ({ options }: Address): ChannelCredentials => {
  if (options.get('tls')?.toLowerCase() === 'false') return credentials.createInsecure();
  const [authority, key, certificate] = ['tlscafile', 'userkeyfile', 'usercertfile'].map((name) => fileOf(options.get(name)));
  const verify = options.get('tlsverifycert')?.toLowerCase() === 'false' ? { rejectUnauthorized: false } : {};
  return credentials.createSsl(authority ?? null, key ?? null, certificate ?? null, verify);
};

const loginOf = ({ login }: Address): Metadata => {
  const metadata = new Metadata();
  if (login !== null) metadata.set('authorization', `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`);
  return metadata;
};

/** One call of a service, which is closed after it. */
const once = <S extends Client, T>(
  service: S,
  call: (service: S, options: { deadline: number }, done: (error: ServiceError | null, response: T) => void) => void,
): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    call(service, { deadline: systemClock.now() + DEADLINE }, (error, response) => {
      if (error === null) resolve(response);
      else reject(convertToCommandError(error));
    });
  }).finally(() => {
    service.close();
  });

const membersOf = (cluster: ClusterInfo): readonly string[] =>
  cluster.getMembersList().flatMap((member) => {
    const endPoint = member.getHttpEndPoint();
    return endPoint === undefined ? [] : [`${endPoint.getAddress()}:${endPoint.getPort()}`];
  });

/** A host that is to be asked for the others; they are given, else. */
const nodes = async (address: Address): Promise<readonly string[]> => {
  const [host] = address.hosts;
  if (!address.discover || host === undefined) return address.hosts;
  return membersOf(
    await once(
      new GossipClient(host, transportOf(address)),
      (service, options, done: (error: ServiceError | null, found: ClusterInfo) => void) => {
        service.read(new shared.Empty(), loginOf(address), options, done);
      },
    ),
  );
};

const scavenge = async (address: Address, node: string): Promise<string> => {
  const request = new operations.StartScavengeReq();
  const wanted = new operations.StartScavengeReq.Options();
  wanted.setThreadCount(1);
  request.setOptions(wanted);
  try {
    const response = await once(
      new OperationsClient(node, transportOf(address)),
      (service, options, done: (error: ServiceError | null, started: ScavengeResp) => void) => {
        service.startScavenge(request, loginOf(address), options, done);
      },
    );
    return response.getScavengeId();
  } catch (error) {
    if (error instanceof AccessDeniedError) return REFUSED;
    throw error;
  }
};

const outcome = async (client: EventStoreDBClient, id: string): Promise<string | null> => {
  const last = { direction: BACKWARDS, fromRevision: END, maxCount: 1, deadline: DEADLINE } as const;
  let ended: string | null = null;
  try {
    for await (const { event } of client.readStream(`$scavenges-${id}`, last))
      if (event?.type === '$scavengeCompleted') ended = (event.data as { result?: string }).result ?? null;
  } catch (error) {
    if (error instanceof AccessDeniedError) return REFUSED;
    if (!(error instanceof StreamNotFoundError)) throw error;
  }
  return ended;
};

/** Operations of the store a client is connected to; each call throws `EngineAway` while what it calls is out of reach. */
export const operationsOf = (client: EventStoreDBClient, connectionString: string): Operations => {
  const reach = <T>(call: () => Promise<T>): Promise<T> => reaching('event store', isEventStoreAway, call);
  const address = addressOf(connectionString);
  return {
    nodes: () => reach(() => nodes(address)),
    scavenge: (node) => reach(() => scavenge(address, node)),
    outcome: (id) => reach(() => outcome(client, id)),
  };
};
