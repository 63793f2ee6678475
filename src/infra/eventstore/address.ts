/** A connection string in its parts. `options`: by name in small letters. `discover`: the host is to be asked which nodes there are. */
export type Address = Readonly<{
  discover: boolean;
  hosts: readonly string[];
  login: Readonly<{ user: string; password: string }> | null;
  options: ReadonlyMap<string, string>;
}>;

const DEFAULT_PORT = 2113;

const optionOf = (text: string): readonly [string, string] => {
  const [name = '', value = ''] = text.split('=', 2);
  return [name.toLowerCase(), decodeURIComponent(value)];
};

const loginOf = (text: string): Address['login'] => {
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: decodeURIComponent(text.slice(0, colon)), password: decodeURIComponent(text.slice(colon + 1)) };
};

/** Reads `esdb[+discover]://[user:password@]host[:port],…[/][?name=value&…]`. */
export const addressOf = (connectionString: string): Address => {
  const [, discover, login = '', hosts = '', query = ''] =
    /^esdb(\+discover)?:\/\/(?:(.*)@)?([^@/?]*)\/?(?:\?(.*))?$/is.exec(connectionString) ?? [];
  return {
    discover: discover !== undefined,
    hosts: hosts.split(',').map((host) => (/:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`)),
    login: loginOf(login),
    options: new Map(query.split('&').map(optionOf)),
  };
};
