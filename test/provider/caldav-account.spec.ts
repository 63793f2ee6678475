import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accountIdOf, accountOf } from '../../src/provider/caldav/caldav.account.js';
import { ANY_SERVER, ICLOUD } from '../../src/provider/caldav/caldav.provider.js';

const idOf = (principal: string) => accountIdOf(principal, ANY_SERVER);

describe('What a CalDAV account goes by', () => {
  it.each([
    ['https://dav.example.org/principals/ada/'],
    ['https://DAV.example.org:443/principals/ada'],
    ['HTTPS://dav.example.org//principals///ada//'],
    ['https://dav.example.org/principals/%61da/'],
    ['hTTps://dav.EXAMPLE.org/%70rincipals/%61%64%61'],
    ['https://dav.example.org/other/../principals/./ada/?x=1#y'],
  ])('is the same for %s', (principal) => {
    expect(idOf(principal)).toBe('https://dav.example.org/principals/ada');
  });

  it('is the same for a name in any encoding that servers send', () => {
    const names = ['j%C3%B6rg@example.org', 'j%c3%b6rg%40example.org', 'J%C3%B6rg@example.org'.replace('J', '%6A'), 'jörg@example.org'];
    expect(new Set(names.map((name) => idOf(`https://dav.example.org/${name}/`))).size).toBe(1);
  });

  it.each([
    ['another user', 'https://dav.example.org/principals/eve/'],
    ['another server', 'https://dav.example.com/principals/ada/'],
    ['another port', 'https://dav.example.org:8443/principals/ada/'],
    ['another way', 'http://dav.example.org/principals/ada/'],
    ['a user name in other letters, which only the server may take for the same', 'https://dav.example.org/principals/Ada/'],
    ['a way in other letters', 'https://dav.example.org/Principals/ada/'],
    ['an encoded slash', 'https://dav.example.org/principals%2Fada/'],
    ['a longer path', 'https://dav.example.org/principals/ada/x/'],
  ])('is another for %s', (_, principal) => {
    expect(idOf(principal)).not.toBe('https://dav.example.org/principals/ada');
  });

  it('is another for letters of another case or composition, however they are encoded', () => {
    const names = ['jörg', 'JÖRG', 'Jörg', 'jo\u0308rg', 'jorg'];
    const encodings = [
      encodeURIComponent,
      encodeURI,
      (name: string) => encodeURIComponent(name).replace(/%../g, (escape) => escape.toLowerCase()),
      (name: string) => name,
    ];
    const ids = names.map((name) => new Set(encodings.map((encoded) => idOf(`https://dav.example.org/${encoded(name)}/`))));
    expect(ids.map(({ size }) => size)).toEqual(names.map(() => 1));
    expect(new Set(ids.flatMap((each) => [...each])).size).toBe(names.length);
  });

  it('is the same on every host of iCloud, which moves accounts between them', () => {
    const on = (host: string) => accountIdOf(`https://${host}/123456/principal/`, ICLOUD);
    expect([on('p01-caldav.icloud.com'), on('caldav.icloud.com:443')]).toEqual([on('p77-caldav.icloud.com'), on('p77-caldav.icloud.com')]);
    expect(on('caldav.icloud.com')).not.toBe(accountIdOf('https://caldav.icloud.com/654321/principal/', ICLOUD));
  });

  it('is an answer for any address, also one that is not well encoded, and the same when it is asked again', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string(), (url, more) => {
        const principal = new URL(`./${encodeURI(more).replace(/[?#]/g, '')}%`, url).href;
        const [id, again] = [idOf(principal), idOf(`${principal.replace(/[?#].*$/s, '')}/`)];
        expect(again).toBe(id);
      }),
    );
  });
});

describe('The budget of a CalDAV account', () => {
  const laneOf = (password: string, username = 'ada') =>
    accountOf({ username, password, serverUrl: 'https://dav.example.org/' }, ANY_SERVER).lane.account;

  it('is used up by those alone who have its password, so that others who guess at it slow down no reading', () => {
    expect(laneOf('right')).toBe(laneOf('right'));
    expect(laneOf('wrong')).not.toBe(laneOf('right'));
    expect(laneOf('right', 'eve')).not.toBe(laneOf('right'));
  });

  it('does not name the password', () => {
    expect(laneOf('open sesame')).not.toContain('open sesame');
  });
});
