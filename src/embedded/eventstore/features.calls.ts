import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { type SupportedMethod } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { type Handler } from './grpc.server.js';
import { unary } from './write.calls.js';

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
export const supportedMethods = (paths: readonly string[]): Handler =>
  unary(() => {
    const methods = new features.SupportedMethods();
    methods.setEventStoreServerVersion(VERSION);
    methods.setMethodsList(paths.map(supported));
    return methods;
  });
