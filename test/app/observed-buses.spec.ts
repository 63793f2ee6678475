import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { observedCqrs } from '../../src/app/observed-buses.js';
import { expressApp } from '../../src/infra/http/express.app.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { Refused } from '../../src/kernel/refused.js';
import { SILENT } from '../support/store.js';

class TakeNote extends Command<string> {
  constructor(readonly text: string) {
    super();
  }
}
class OneNote extends Query<string> {}
class NoHandler extends Command<string> {}

@CommandHandler(TakeNote)
class TakeNoteHandler {
  execute({ text }: TakeNote): Promise<string> {
    return text === '' ? Promise.reject(new Refused('note.empty', 422)) : Promise.resolve(`noted ${text}`);
  }
}

@QueryHandler(OneNote)
class OneNoteHandler {
  execute(): Promise<string> {
    return Promise.resolve('a note');
  }
}

const metrics = prometheusMetrics();

@Module({ imports: [observedCqrs(metrics)], providers: [TakeNoteHandler, OneNoteHandler] })
class NotesModule {}

describe('A command or query', () => {
  it('is answered by its handler and measured by its class and outcome', async () => {
    const app = await expressApp(NotesModule, SILENT);
    await app.init();
    const [commands, queries] = [app.get(CommandBus), app.get(QueryBus)];
    expect(await commands.execute(new TakeNote('milk'))).toBe('noted milk');
    expect(await queries.execute(new OneNote())).toBe('a note');
    await expect(commands.execute(new TakeNote(''))).rejects.toMatchObject({ code: 'note.empty' });
    await expect(commands.execute(new NoHandler())).rejects.toMatchObject({ message: expect.stringContaining('NoHandler') });
    const page = await metrics.page();
    expect(page).toMatch(/command_duration_seconds_count\{command="TakeNote",outcome="ok"\} 1/);
    expect(page).toMatch(/command_duration_seconds_count\{command="TakeNote",outcome="note.empty"\} 1/);
    expect(page).toMatch(/query_duration_seconds_count\{query="OneNote",outcome="ok"\} 1/);
    await app.close();
  });
});
