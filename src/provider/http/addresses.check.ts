import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** A host name that leads where we do not call. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

// IANA special-purpose registries: what is not globally reachable, with multicast and the ranges that embed an IPv4 address (6to4, NAT64, Teredo).
const REFUSED = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
];

/**
 * Never called, also where private addresses are: links, and what clouds answer with the secrets of a machine at (AWS, Azure, Google, Oracle,
 * Alibaba), with the spellings that translate IPv4 (NAT64 of RFC 6052, 6to4). A mapped IPv4 address is checked as what it maps.
 */
const METADATA = [
  ...['169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'],
  ...['fe80::/10', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
  ...['64:ff9b::a9fe:0/112', '64:ff9b::6464:64c8/128', '64:ff9b::a83f:8110/128', '64:ff9b::c000:c0/128'],
  ...['2002:a9fe::/32', '2002:6464:64c8::/48', '2002:a83f:8110::/48', '2002:c000:c0::/48'],
];

/** All there is of the public IPv6 internet so far (RFC 4291 2.4): outside are loopback, mapped and translated IPv4, local and multicast addresses. */
const GLOBAL_UNICAST = '2000::/3';

const refused = new BlockList();
const metadata = new BlockList();
const globalUnicast = new BlockList();
const add = (list: BlockList, range: string): void => {
  const [network = '', prefix] = range.split('/');
  list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
};
for (const range of REFUSED) add(refused, range);
for (const range of METADATA) add(metadata, range);
add(globalUnicast, GLOBAL_UNICAST);

/** Whether an IP address is on the public internet: not private, loopback, link-local (and with it cloud metadata), CGNAT, ULA or mapped. */
export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return !refused.check(address, 'ipv4');
  // A zone (`fe80::1%eth0`) belongs to a link.
  return family === 6 && !address.includes('%') && globalUnicast.check(address, 'ipv6') && !refused.check(address, 'ipv6');
};

/** Whether an IP address may be called where private ones may: neither on a link alone nor where a cloud tells its machines their secrets. */
export const isOwnNetworkAddress = (address: string): boolean => {
  const family = isIP(address);
  // A zone (`fe80::1%eth0`) belongs to a link.
  return family !== 0 && !address.includes('%') && !metadata.check(address, family === 4 ? 'ipv4' : 'ipv6');
};

/** The host of a URL when it is written as an address, without brackets; null for a name. Node connects to those without asking `lookup`. */
export const literalAddress = (url: URL): string | null => {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? null : host;
};

/** Asks for all addresses of a name; node's own unless a test brings another. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Name resolution for `connect.lookup`: what it answers is what is connected to, so a name cannot lead to another address between check
 * and use (DNS rebinding). One address that may not be called refuses the whole name.
 */
export const guardedLookup =
  (mayCall: (address: string) => boolean, resolve: Resolve = lookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => mayCall(address))) callback(new AddressRefused(), '');
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
