import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { type SupportedMethod, type SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type sendUnaryData } from '@grpc/grpc-js';

/** The EventStoreDB whose behaviour is reproduced. */
const VERSION = '24.10.0';

const supported = (path: string): SupportedMethod => {
  const [, service = '', method = ''] = path.split('/');
  const message = new features.SupportedMethod();
  message.setServiceName(service);
  message.setMethodName(method.toLowerCase());
  message.setFeaturesList(method === 'Read' ? ['position', 'events'] : []);
  return message;
};

/** What the client asks first: which calls this server knows. */
export const getSupportedMethods = (_: unknown, answer: sendUnaryData<SupportedMethods>): void => {
  const methods = new features.SupportedMethods();
  methods.setEventStoreServerVersion(VERSION);
  methods.setMethodsList(Object.values(StreamsService).map((method) => supported((method as { path: string }).path)));
  answer(null, methods);
};
