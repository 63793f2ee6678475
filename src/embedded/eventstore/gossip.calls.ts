import { randomUUID } from 'node:crypto';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import { type Handler } from './grpc.server.js';
import { uuid } from './protocol.wire.js';
import { unary } from './write.calls.js';

/** Tells who looks for a cluster's leader (`esdb+discover`, several hosts) that there is one node, and that it leads. */
export const gossipRead = (port: number): Handler => {
  const endPoint = new gossip.EndPoint();
  endPoint.setAddress('localhost');
  endPoint.setPort(port);
  const member = new gossip.MemberInfo();
  member.setInstanceId(uuid(randomUUID()));
  member.setState(gossip.MemberInfo.VNodeState.LEADER);
  member.setIsAlive(true);
  member.setHttpEndPoint(endPoint);
  const cluster = new gossip.ClusterInfo();
  cluster.setMembersList([member]);
  return unary(() => cluster);
};
