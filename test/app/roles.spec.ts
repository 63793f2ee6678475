import { describe, expect, it } from '@jest/globals';
import { cast, roleNamed } from '../../src/app/roles.js';
import { type Role, ROLES } from '../../src/config/variables.config.js';

const namesOf = (roles: readonly Readonly<{ name: string }>[]): readonly string[] => roles.map(({ name }) => name);

describe('A process', () => {
  it('knows every role that can be asked for by its name', () => {
    expect(ROLES.map((name) => roleNamed(name).name)).toEqual([...ROLES]);
  });

  it('plays the API in its main thread, and gives a thread to what would keep it busy', () => {
    const { apart, here } = cast(new Set(ROLES), { brokers: true });
    expect([namesOf(here), namesOf(apart)]).toEqual([['api'], ['projector', 'sync', 'relay']]);
  });

  it('plays the relay in its main thread where it has the broker of this machine, and starts it when it listens', () => {
    const { apart, here } = cast(new Set(ROLES), { brokers: false });
    expect([namesOf(here), namesOf(apart)]).toEqual([
      ['api', 'relay'],
      ['projector', 'sync'],
    ]);
    expect(namesOf(here.filter(({ late }) => late))).toEqual(['relay']);
  });

  it.each(ROLES)('that plays the role %s alone plays it in its main thread', (name) => {
    const { apart, here } = cast(new Set([name]), { brokers: true });
    expect([namesOf(here), namesOf(apart)]).toEqual([[name], []]);
  });

  it('plays several roles without the API, each in its thread', () => {
    const { apart, here } = cast(new Set<Role>(['sync', 'projector']), { brokers: true });
    expect([namesOf(here), namesOf(apart)]).toEqual([[], ['sync', 'projector']]);
  });
});
