/**
 * Who is at the other end: address ranges, and the client's address behind trusted proxies.
 *
 * `X-Forwarded-For` is believed only when it comes from a trusted proxy, and is read from its end: what
 * stands before the first address that is no trusted proxy was written by the client itself.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export type Ranges = (address: string | undefined) => boolean;

/** `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. */
export function isRange(text: string): boolean {
  return partsOf(text) !== undefined;
}

/** True for addresses in one of the ranges, which `isRange` has seen. */
export function createRanges(ranges: readonly string[]): Ranges {
  const list = new BlockList();
  for (const range of ranges) {
    const parts = partsOf(range);
    if (parts === undefined) throw new TypeError(`${range} is no range`);
    list.addSubnet(parts.address, parts.bits, parts.family);
  }
  return (given) => {
    const address = given === undefined ? undefined : bare(given);
    const version = address === undefined ? 0 : isIP(address);
    if (address === undefined || version === 0) return false;
    return list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}

function partsOf(text: string) {
  const [, address = '', given] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const bits = given === undefined ? most : Number(given);
  const family = version === 4 ? ('ipv4' as const) : ('ipv6' as const);
  return bits > most ? undefined : { address, bits, family };
}

/** Of the client that a request comes from; undefined when that cannot be known. */
export function clientAddress(message: IncomingMessage, isProxy: Ranges): string | undefined {
  const peer = message.socket.remoteAddress;
  if (!isProxy(peer)) return peer;
  const header = message.headers['x-forwarded-for'];
  const text = Array.isArray(header) ? header.join(',') : header;
  if (text === undefined) return peer;
  const hops = text.split(',').map((hop) => withoutPort(hop.trim()));
  for (const hop of hops.toReversed()) {
    if (isIP(bare(hop)) === 0) return undefined;
    if (!isProxy(hop)) return hop;
  }
  return hops[0];
}

/** `192.0.2.7:1234` and `[2001:db8::1]:1234`, as some proxies write it. */
function withoutPort(hop: string): string {
  const [, inBrackets, plain] = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+):\d+$/.exec(hop) ?? [];
  return inBrackets ?? plain ?? hop;
}

/** An IPv4 address that came through an IPv6 socket. */
function bare(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
