import { timingSafeEqual } from 'node:crypto';
import { type Metadata, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder, status } from '@grpc/grpc-js';

/** The one call the official client makes without credentials, on a real server too. It answers nothing but method names. */
const OPEN_TO_ALL = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';

/** Lets through only calls that bring the user's name and password; every other one ends as unauthenticated before its handler sees it. */
export const basicAuth = (user: string, password: string): ServerInterceptor => {
  const wanted = Buffer.from(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
  const isAllowed = (metadata: Metadata): boolean => {
    const given = Buffer.from(String(metadata.get('authorization')[0] ?? ''));
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
  return (method, call) => {
    if (method.path === OPEN_TO_ALL) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) => {
        const listener = new ServerListenerBuilder()
          .withOnReceiveMetadata((metadata, proceed) => {
            if (isAllowed(metadata)) proceed(metadata);
            else call.sendStatus({ code: status.UNAUTHENTICATED, details: 'Not authenticated.', metadata: null });
          })
          .build();
        next(listener);
      },
    });
  };
};
