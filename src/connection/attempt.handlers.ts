import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { beginAttempt, type Beginning } from './attempt.begin.js';
import { BeginAttempt, type Begun, CompleteAttempt, ConfirmAttempt, GivePassword, type Outcome } from './attempt.commands.js';
import { completeAttempt, confirmAttempt } from './attempt.complete.js';
import { type Exchanging } from './attempt.exchange.js';
import { givePassword } from './attempt.password.js';
import { type Reached } from './connection.commands.js';
import { ConnectionPorts } from './connection.ports.js';

@CommandHandler(BeginAttempt)
export class BeginAttemptHandler implements ICommandHandler<BeginAttempt> {
  constructor(@Inject(ConnectionPorts) private readonly ports: Beginning) {}

  execute(command: BeginAttempt): Promise<Begun> {
    return beginAttempt(this.ports, command);
  }
}

@CommandHandler(CompleteAttempt)
export class CompleteAttemptHandler implements ICommandHandler<CompleteAttempt> {
  constructor(@Inject(ConnectionPorts) private readonly ports: Exchanging) {}

  execute(command: CompleteAttempt): Promise<Outcome> {
    return completeAttempt(this.ports, command);
  }
}

@CommandHandler(ConfirmAttempt)
export class ConfirmAttemptHandler implements ICommandHandler<ConfirmAttempt> {
  constructor(@Inject(ConnectionPorts) private readonly ports: Exchanging) {}

  execute(command: ConfirmAttempt): Promise<Reached> {
    return confirmAttempt(this.ports, command);
  }
}

@CommandHandler(GivePassword)
export class GivePasswordHandler implements ICommandHandler<GivePassword> {
  constructor(@Inject(ConnectionPorts) private readonly ports: Exchanging) {}

  execute(command: GivePassword): Promise<Reached> {
    return givePassword(this.ports, command);
  }
}
