/**
 * Names of hosts: without what stands around them, and which sites are one's own. Those of others are probed as
 * well: `https://login.okta.com` is no `login` of the catalog.
 */
import type { Labels } from '../model.ts';

/** `db1:9100` -> `db1`, `[::1]:80` -> `::1`, `https://a.example/x` -> `a.example`; none for a loopback. */
export function bareHost(raw: string): string | undefined {
  let host = raw;
  const scheme = host.indexOf('://');
  if (scheme >= 0) host = host.slice(scheme + 3);
  if (scheme >= 0 || host.includes('/')) host = /^[^/?#]*/.exec(host)?.[0] ?? '';
  const colon = host.indexOf(':');
  if (host.startsWith('[')) host = /^\[([^\]]*)/.exec(host)?.[1] ?? '';
  else if (colon >= 0 && !host.includes(':', colon + 1)) host = host.slice(0, colon);
  return host === '' || isLoopback(host) ? undefined : host;
}

const LOOPBACKS: ReadonlySet<string> = new Set(['localhost', '0.0.0.0', '::1', '::']);

function isLoopback(host: string): boolean {
  return (host.startsWith('127.') && /^[\d.]+$/.test(host)) || LOOPBACKS.has(host.toLowerCase());
}

const ADDRESS_LABELS = ['instance', 'url', 'target', 'endpoint', 'address'] as const;

/** What is probed by its URL, whoever probes it: the site's name. */
export function siteOf(labels: Labels): string | undefined {
  for (const name of ADDRESS_LABELS) {
    const value = labels[name];
    if (value?.includes('://') === true) return bareHost(value);
  }
  return undefined;
}

/** Names that nobody outside can have. */
const INTERNAL = /\.(?:internal|intranet|local|lan|corp|private|svc)$/i;
/** Where many have their runbooks and dashboards: that says nothing of whose a site is. */
const HOSTED =
  /(?:^|\.)(?:github\.(?:com|io)|gitlab\.com|bitbucket\.org|atlassian\.net|notion\.(?:so|site)|google\.com|sharepoint\.com|grafana\.net|datadoghq\.(?:com|eu)|pagerduty\.com|amazonaws\.com|prometheus-operator\.dev)$/i;

/**
 * Is a host ours? True if the addresses in the rules (runbooks, dashboards, links) have its domain; if they name
 * none, nobody knows, and every host counts.
 */
export function ownSites(addresses: readonly (string | undefined)[]): (host: string) => boolean {
  const hosts = addresses.flatMap((address) => bareHost(address ?? '') ?? []);
  const named = hosts.filter((host) => host.includes('.') && !HOSTED.test(host));
  const domains = new Set(named.map(domainOf));
  return (host) =>
    domains.size === 0 || !host.includes('.') || INTERNAL.test(host) || domains.has(domainOf(host));
}

/** `pay.example.com` -> `example.com`, `pay.example.co.uk` -> `example.co.uk`. */
function domainOf(host: string): string {
  const parts = host.toLowerCase().split('.');
  const isShort = /^[a-z]{2}$/.test(parts.at(-1) ?? '') && (parts.at(-2) ?? '').length <= 3;
  return parts.slice(isShort ? -3 : -2).join('.');
}
