/**
 * Where Redis is: what QUELL_REDIS_URL may say. Its secrets stay in here: what is logged of an address
 * is `shown`.
 *
 *   redis://[user:password@]host[:6379][/database]
 *   redis+sentinel://[user:password@]host[:26379],host.../name-of-the-master[/database]
 *   redis+cluster://[user:password@]host[:6379],host...
 *
 * `rediss` in place of `redis`: by TLS. Options: ?prefix=quell (what all keys begin with, so that
 * several Quells may share one Redis), ?sentinelPassword=...
 */
interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  readonly kind: 'one' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly hosts: readonly HostPort[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** What the sentinels call the master; empty when there are none. */
  readonly master: string;
  readonly db: number;
  readonly prefix: string;
  /** Without secrets. */
  readonly shown: string;
}

export const REDIS_URL_EXPECTED =
  'must be like redis://host:6379, redis+sentinel://host:26379,host:26379/mymaster or redis+cluster://host:6379,host:6379; rediss for TLS';

const FORM = /^(rediss?)(\+sentinel|\+cluster)?:\/\/(?:([^@/]*)@)?([^@/?]+)(\/[^?]*)?(?:\?(.*))?$/;
const KINDS = { '+sentinel': 'sentinel', '+cluster': 'cluster' } as const;
const OPTIONS = new Set(['prefix', 'sentinelPassword']);

/** Undefined: it is none. Nothing of the text is repeated to whoever reads the refusal. */
export function readRedisUrl(text: string): RedisAddress | undefined {
  const [, scheme, suffix, credentials = '', hostList = '', path = '', query = ''] =
    FORM.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  // The pattern allows these two only.
  const kind = suffix === undefined ? 'one' : KINDS[suffix as keyof typeof KINDS];
  const hosts = readHosts(hostList, kind);
  const place = readPath(path, kind);
  const options = readOptions(query);
  if (hosts === undefined || place === undefined || options === undefined) return undefined;
  const [username, password] = readCredentials(credentials);
  const where = hosts.map(({ host, port }) => `${host}:${port}`).join(',');
  const shown = `${scheme}${suffix ?? ''}://${where}${path}`;
  return {
    kind,
    tls: scheme === 'rediss',
    hosts,
    username,
    password,
    ...place,
    ...options,
    shown,
  };
}

function readHosts(text: string, kind: RedisAddress['kind']): readonly HostPort[] | undefined {
  const usual = kind === 'sentinel' ? 26_379 : 6_379;
  const hosts = text.split(',').map((host) => readHost(host, usual));
  const known = hosts.filter((host) => host !== undefined);
  if (known.length < hosts.length || (kind === 'one' && hosts.length > 1)) return undefined;
  return known;
}

/** A cluster has one database only, and sentinels know a master by its name. */
function readPath(
  path: string,
  kind: RedisAddress['kind'],
): Pick<RedisAddress, 'master' | 'db'> | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const master = kind === 'sentinel' ? parts.shift() : '';
  const db = kind === 'cluster' ? '0' : (parts.shift() ?? '0');
  if (master === undefined || parts.length > 0 || !/^\d{1,4}$/.test(db)) return undefined;
  return { master, db: Number(db) };
}

function readOptions(query: string): Pick<RedisAddress, 'prefix' | 'sentinelPassword'> | undefined {
  const options = new URLSearchParams(query);
  const prefix = options.get('prefix') ?? 'quell';
  if (!/^[\w.-]{1,64}$/.test(prefix)) return undefined;
  if ([...options.keys()].some((name) => !OPTIONS.has(name))) return undefined;
  return { prefix, sentinelPassword: options.get('sentinelPassword') ?? undefined };
}

function readHost(text: string, usual: number): HostPort | undefined {
  const [, host, port] = /^([\w.-]+|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port ?? usual) };
}

/** `user:password`, `:password`, or a user alone. */
function readCredentials(text: string): readonly [string | undefined, string | undefined] {
  const at = text.indexOf(':');
  const [user, password] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  return [decode(user), decode(password)];
}

function decode(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return text;
  }
}
