import { type CallHandler, createParamDecorator, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { type Request } from 'express';
import { type Observable } from 'rxjs';
import { type Cause } from '../../kernel/cause.js';
import { KeyDestroyed, type Vault } from '../../kernel/vault.js';
import { actorOf } from './auth.guard.js';
import { correlationOf } from './request.observer.js';

/** What marks addresses: the vault. */
export type Markers = Pick<Vault, 'marker'>;

/** DI token of the `Markers`. */
export const MARKERS = Symbol('Markers');

const causes = new WeakMap<Request, () => Promise<Cause>>();

/**
 * The parameter that says what the events of a request are caused by: `@RequestCause() cause: Cause`. Only on routes that are not `@Public()`, and
 * only where something is written, because it costs a look-up of the person's key.
 */
export const RequestCause = createParamDecorator((_data: unknown, context: ExecutionContext): Promise<Cause> => {
  const cause = causes.get(context.switchToHttp().getRequest<Request>());
  if (cause === undefined) throw new Error('A public route asked for its cause');
  return cause();
});

/** The method and the template of a request's route, such as `DELETE /v1/meetings/:id`, never its address, which may hold personal data. */
const routeOf = ({ method, route }: Request): string => `${method} ${(route as { path: string }).path}`;

/** One IPv4 address, whether the socket speaks IPv4 or IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:(?=[\d.]+$)/i, '');

/**
 * Keyed hash of an address under a person's key, so that it is erased with the person. Null when there is no address any more because the client
 * is gone, and when the key was destroyed.
 */
export const originOf = async (markers: Markers, userId: string, address: string | undefined): Promise<string | null> => {
  if (address === undefined) return null;
  try {
    return (await markers.marker(userId))('origin', plain(address));
  } catch (error) {
    if (error instanceof KeyDestroyed) return null;
    throw error;
  }
};

/** What the events of a request are caused by, made by this person. */
export const causeOf = async (markers: Markers, request: Request, userId: string): Promise<Cause> => {
  const correlationId = correlationOf(request);
  const origin = await originOf(markers, userId, request.ip);
  return { correlationId, causationId: correlationId, actor: userId, subject: userId, via: routeOf(request), origin };
};

/** Gives each request of a known person its cause, which is worked out where a route asks for it. Its subject is its actor: people change their own data. */
@Injectable()
export class CauseInterceptor implements NestInterceptor {
  constructor(@Inject(MARKERS) private readonly markers: Markers) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const actor = actorOf(request);
    if (actor !== null) causes.set(request, () => causeOf(this.markers, request, actor.userId));
    return next.handle();
  }
}
