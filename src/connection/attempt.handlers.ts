import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { beginAttempt, type Beginning } from './attempt.begin.js';
import { BeginAttempt, type Begun, CompleteAttempt, ConfirmAttempt, type Outcome } from './attempt.commands.js';
import { completeAttempt, confirmAttempt } from './attempt.complete.js';
import { type Exchanging } from './attempt.exchange.js';
import { type Reached } from './connection.commands.js';

/** What attempts work with. */
export type AttemptPorts = Beginning & Exchanging;

/** DI token of the `AttemptPorts`. */
export const ATTEMPT_PORTS = Symbol('AttemptPorts');

@CommandHandler(BeginAttempt)
export class BeginAttemptHandler implements ICommandHandler<BeginAttempt> {
  constructor(@Inject(ATTEMPT_PORTS) private readonly ports: AttemptPorts) {}

  execute(command: BeginAttempt): Promise<Begun> {
    return beginAttempt(this.ports, command);
  }
}

@CommandHandler(CompleteAttempt)
export class CompleteAttemptHandler implements ICommandHandler<CompleteAttempt> {
  constructor(@Inject(ATTEMPT_PORTS) private readonly ports: AttemptPorts) {}

  execute(command: CompleteAttempt): Promise<Outcome> {
    return completeAttempt(this.ports, command);
  }
}

@CommandHandler(ConfirmAttempt)
export class ConfirmAttemptHandler implements ICommandHandler<ConfirmAttempt> {
  constructor(@Inject(ATTEMPT_PORTS) private readonly ports: AttemptPorts) {}

  execute(command: ConfirmAttempt): Promise<Reached> {
    return confirmAttempt(this.ports, command);
  }
}
