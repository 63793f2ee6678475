import { describe, it } from '@jest/globals';
import { connection, type ConnectionEvent, type Likeness } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { given } from '../support/spec.js';

const at = '2026-11-22T10:00:00.000Z';
const linked = {
  userId: 'ada',
  provider: 'caldav',
  access: 'read',
  consent: { textVersion: '2026-11', givenAt: at },
  account: 'mark-of-account',
  sealed: 'c2VhbGVk',
  at,
} as const;
const connected: ConnectionEvent = { type: 'CalendarConnected', ...linked };
const found = { calendarId: 'c1', writable: true, busyOnly: false, color: null, timeZone: null, sealed: 'YQ==' };
const discovered: ConnectionEvent = { type: 'CalendarsDiscovered', userId: 'ada', provider: 'caldav', calendars: [found], at };
const failing: ConnectionEvent = {
  type: 'ConnectionFailing',
  userId: 'ada',
  fault: 'access-revoked',
  needsReconnect: true,
  hours: null,
  notice: true,
  at,
};
const revoked: ConnectionEvent = { type: 'ConnectionRevoked', userId: 'ada', provider: 'caldav', at };

describe('ConnectCalendar', () => {
  it('links an account with the consent that was given', () => {
    given(connection)
      .when({ type: 'ConnectCalendar', consented: true, ...linked })
      .then(connected);
  });

  it('refuses without consent', () => {
    given(connection)
      .when({ type: 'ConnectCalendar', consented: false, ...linked })
      .refused('consent.required');
  });

  it('never links over a connection that exists', () => {
    given(connection, connected)
      .when({ type: 'ConnectCalendar', consented: true, ...linked })
      .refused('connection.exists');
  });
});

describe('DiscoverCalendars', () => {
  it('says what the account holds', () => {
    given(connection, connected)
      .when({ type: 'DiscoverCalendars', calendars: [found], at })
      .then(discovered);
  });

  it('says nothing when the account holds what it held', () => {
    given(connection, connected, discovered)
      .when({ type: 'DiscoverCalendars', calendars: [{ ...found }], at })
      .then();
  });

  it('says that a calendar was renamed', () => {
    const renamed = [{ ...found, sealed: 'Yg==' }];
    given(connection, connected, discovered)
      .when({ type: 'DiscoverCalendars', calendars: renamed, at })
      .then({ ...discovered, calendars: renamed });
  });

  it('takes a good answer as recovery', () => {
    given(connection, connected, discovered, failing)
      .when({ type: 'DiscoverCalendars', calendars: [found], at })
      .then(discovered, { type: 'ConnectionRecovered', userId: 'ada', at });
  });

  it('is refused once the connection was revoked', () => {
    given(connection, connected, revoked).when({ type: 'DiscoverCalendars', calendars: [], at }).refused('connection.revoked');
  });
});

describe('Reconnect', () => {
  const proved = { held: 'proved', typed: 'typed', calendarIds: ['c1'] };
  const older = { ...proved, held: null };
  const reconnect = (account: string, likeness: Likeness) => ({ type: 'Reconnect', owner: 'ada', account, likeness, at }) as const;
  const reauthorized = (account: string): ConnectionEvent => ({ type: 'ConnectionReauthorized', userId: 'ada', account, at });

  it('takes new credentials for the account the connection holds, however it was typed', () => {
    given(connection, connected, discovered, failing)
      .when(reconnect('proved', { ...proved, typed: 'otherwise' }))
      .then(reauthorized('proved'));
  });

  it('refuses the credentials of another account, though they show one of its calendars', () => {
    given(connection, connected, discovered).when(reconnect('another', proved)).refused('connection.other-account');
  });

  it.each([
    ['was typed as it was before', [discovered], { ...older, typed: 'mark-of-account', calendarIds: [] }],
    ['shows one of its calendars', [discovered], older],
    ['cannot be told, when there is nothing to lose', [], { ...older, calendarIds: [] }],
  ] as const)('of a connection that no proof was kept of, takes the account that %s, and its proof', (_, events, likeness) => {
    given(connection, connected, ...events, failing)
      .when(reconnect('proved', likeness))
      .then(reauthorized('proved'));
  });

  it('of a connection that no proof was kept of, refuses what shows none of its calendars', () => {
    given(connection, connected, discovered)
      .when(reconnect('proved', { ...older, calendarIds: ['c2'] }))
      .refused('connection.other-account');
  });

  it('goes by the proof from then on', () => {
    const sameTyping = { ...older, typed: 'mark-of-account', calendarIds: [] };
    given(connection, connected, discovered, reauthorized('proved'))
      .when(reconnect('another', sameTyping))
      .refused('connection.other-account');
    given(connection, connected, discovered, reauthorized('proved'))
      .when(reconnect('proved', { ...sameTyping, typed: 'otherwise' }))
      .then(reauthorized('proved'));
  });
});

describe('GrantAccess', () => {
  const grant = (access: 'read' | 'write', owner = 'ada') => ({ type: 'GrantAccess', owner, access, at }) as const;
  const granted: ConnectionEvent = { type: 'AccessGranted', userId: 'ada', access: 'write', at };

  it('is told once, and again when it is taken back', () => {
    given(connection, connected).when(grant('write')).then(granted);
    given(connection, connected, granted).when(grant('write')).then();
    given(connection, connected, granted)
      .when(grant('read'))
      .then({ ...granted, access: 'read' });
  });

  it('is the owner’s to give, while there is a connection', () => {
    given(connection, connected).when(grant('write', 'eve')).refused('connection.unknown');
    given(connection, connected, revoked).when(grant('write')).refused('connection.revoked');
  });
});

describe('ProveAccount', () => {
  it('gives a connection the mark its account goes by, once', () => {
    const reauthorized: ConnectionEvent = { type: 'ConnectionReauthorized', userId: 'ada', account: 'proved', at };
    const prove = { type: 'ProveAccount', account: 'proved', at } as const;
    given(connection, connected).when(prove).then(reauthorized);
    given(connection, connected, reauthorized).when(prove).then();
    given(connection, connected, revoked).when(prove).then();
  });

  it('reads a reconnect that is older than the proof of accounts as one that left the mark as it was', () => {
    const older = connectionCodec.decode('ConnectionReauthorized.v1', { userId: 'ada', at });
    given(connection, connected, failing, older).when({ type: 'ProveAccount', account: 'mark-of-account', at }).then();
  });
});

describe('ReportFault', () => {
  it('tells a dead grant once', () => {
    const report = { type: 'ReportFault', fault: 'access-revoked', needsReconnect: true, hours: null, at } as const;
    given(connection, connected).when(report).then(failing);
    given(connection, connected, failing).when(report).then();
  });
});

describe('sync-rule 37: A connection whose owner’s organisation asks for a new sign-in every few hours', () => {
  const on = (day: number): string => `2026-11-${String(day).padStart(2, '0')}T09:00:00.000Z`;
  const ask = (day: number, fault = 'access-policy') =>
    ({ type: 'ReportFault', fault, needsReconnect: true, hours: fault === 'access-policy' ? 12 : null, at: on(day) }) as const;
  const told = (day: number, notice: boolean, fault = 'access-policy'): ConnectionEvent => {
    const { type: _, ...rest } = ask(day, fault);
    return { type: 'ConnectionFailing', userId: 'ada', notice, ...rest };
  };
  const again: ConnectionEvent = { type: 'ConnectionReauthorized', userId: 'ada', account: 'mark-of-account', at };

  it('says so each time, with the hours, and has its owner told by a message once a week at most', () => {
    given(connection, connected).when(ask(1)).then(told(1, true));
    const first = [connected, told(1, true), again];
    given(connection, ...first)
      .when(ask(2))
      .then(told(2, false));
    const second = [...first, told(2, false), again];
    given(connection, ...second)
      .when(ask(7))
      .then(told(7, false));
    given(connection, ...second)
      .when(ask(8))
      .then(told(8, true));
    const third = [...second, told(8, true), again];
    given(connection, ...third)
      .when(ask(14))
      .then(told(14, false));
    given(connection, ...third)
      .when(ask(15))
      .then(told(15, true));
  });

  it('has its owner told of anything else at once', () => {
    given(connection, connected, told(1, true), again)
      .when(ask(2, 'access-withdrawn'))
      .then(told(2, true, 'access-withdrawn'));
  });

  it('was told each time in facts from before there were notices', () => {
    const older = connectionCodec.decode('ConnectionFailing.v1', {
      userId: 'ada',
      fault: 'access-policy',
      needsReconnect: true,
      at: on(1),
    });
    given(connection, connected, older, again).when(ask(2)).then(told(2, false));
  });
});

describe('A connection that fails for a while', () => {
  const away: ConnectionEvent = {
    type: 'ConnectionFailing',
    userId: 'ada',
    fault: 'unavailable',
    needsReconnect: false,
    hours: null,
    notice: true,
    at,
  };
  const report = { type: 'ReportFault', fault: 'unavailable', needsReconnect: false, hours: null, at } as const;

  it('says so once, and once that it is over', () => {
    given(connection, connected).when(report).then(away);
    given(connection, connected, away).when(report).then();
    given(connection, connected, away).when({ type: 'ReportRecovery', at }).then({ type: 'ConnectionRecovered', userId: 'ada', at });
    given(connection, connected).when({ type: 'ReportRecovery', at }).then();
  });

  it('needs its owner no less because its server cannot be reached either', () => {
    given(connection, connected, failing).when(report).then();
  });

  it('says nothing once it was revoked, also to a worker that does not know it yet', () => {
    given(connection, connected, revoked).when(report).then();
    given(connection, connected, revoked).when({ type: 'ReportRecovery', at }).then();
  });
});

describe('Revoke', () => {
  it('ends the connection', () => {
    given(connection, connected).when({ type: 'Revoke', owner: 'ada', at }).then(revoked);
  });

  it('says nothing the second time', () => {
    given(connection, connected, revoked).when({ type: 'Revoke', owner: 'ada', at }).then();
  });

  it('knows no connection that never was', () => {
    given(connection).when({ type: 'Revoke', owner: 'ada', at }).refused('connection.unknown');
  });

  it('winds up step by step, each step once', () => {
    const grantRevoked: ConnectionEvent = { type: 'GrantRevoked', userId: 'ada', how: 'manual', at };
    const purged: ConnectionEvent = { type: 'ConnectionPurged', userId: 'ada', at };
    given(connection, connected, revoked).when({ type: 'RecordGrantRevoked', how: 'manual', at }).then(grantRevoked);
    given(connection, connected, revoked, grantRevoked).when({ type: 'RecordGrantRevoked', how: 'manual', at }).then();
    given(connection, connected, revoked, grantRevoked).when({ type: 'RecordPurge', at }).then(purged);
    given(connection, connected, revoked, grantRevoked, purged).when({ type: 'RecordPurge', at }).then();
  });

  it('winds up nothing that is still connected', () => {
    given(connection, connected).when({ type: 'RecordPurge', at }).refused('connection.not-revoked');
  });
});

describe('Another person', () => {
  const likeness: Likeness = { held: null, typed: 'mark-of-account', calendarIds: [] };

  it.each([[[connected]], [[connected, failing]], [[connected, revoked]]])('finds no such connection, however it stands', (facts) => {
    given(connection, ...facts)
      .when({ type: 'Revoke', owner: 'eve', at })
      .refused('connection.unknown');
    given(connection, ...facts)
      .when({ type: 'Reconnect', owner: 'eve', account: 'mark-of-account', likeness, at })
      .refused('connection.unknown');
  });

  it('is not this service, which revokes what it can read no more', () => {
    given(connection, connected).when({ type: 'Revoke', owner: null, at }).then(revoked);
  });
});
