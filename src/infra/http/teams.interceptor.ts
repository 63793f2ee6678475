import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { type Request } from 'express';
import { type Observable } from 'rxjs';
import { TEAMS, type Teams } from '../../kernel/teams.js';
import { actorOf } from './auth.guard.js';

/** Takes note of the teams of each person who was let in, before their request is answered. */
@Injectable()
export class TeamsInterceptor implements NestInterceptor {
  constructor(@Inject(TEAMS) private readonly teams: Teams) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const actor = actorOf(context.switchToHttp().getRequest<Request>());
    if (actor !== null) await this.teams.remember(actor);
    return next.handle();
  }
}
