/**
 * What an alert names that is none of ours: whom its service calls, by a label that says so, or a public address.
 */
import type { Alert } from '../model.ts';
import { siteOf } from '../rules/host-name.ts';
import type { Catalog } from '../rules/rules.ts';

/** Labels whose value is whom the service calls: those of OpenTelemetry and Istio, and what teams call it. */
const CALLED = new Set(
  (
    'peer peer_service peer_name net_peer_name server_address upstream upstream_host remote remote_host remote_service ' +
    'destination destination_service destination_host dependency third_party external_service external_host provider vendor'
  ).split(' '),
);
/** Labels whose value is an address, of whatever. */
const ADDRESSES = new Set(['target', 'url', 'endpoint', 'instance', 'probe']);
const NAME_MAX = 100;
const PEERS_MAX = 4;

/** Public names only: what ends otherwise is a machine. */
const ADDRESS =
  /^(?:https?:\/\/)?((?:[a-z0-9][a-z0-9-]{0,62}\.){1,4}(?:com|net|org|io|co|dev|app|cloud|eu|uk|de|fr|nl|us|ai|gov|in|jp|br|ca|au|ch))(?::\d{1,5})?(?:[/?#]|$)/i;

/** At most four names, in small letters; none of a service of the catalog, nor of the alert's own host. */
export function peersOf(
  { labels, facts }: Pick<Alert, 'labels' | 'facts'>,
  catalog: Catalog,
): readonly string[] {
  const names = new Set<string>();
  for (const label in labels) {
    const name = CALLED.has(label)
      ? labels[label]
      : ADDRESSES.has(label)
        ? ADDRESS.exec(labels[label] ?? '')?.[1]
        : undefined;
    if (name !== undefined) names.add(name.toLowerCase());
  }
  // Most alerts name nobody.
  if (names.size === 0) return [];
  const own = [facts.service, facts.host].map((name) => name?.toLowerCase());
  const isPeer = (name: string) =>
    name !== '' && name.length <= NAME_MAX && !own.includes(name) && !catalog.services.has(name);
  return [...names].filter(isPeer).slice(0, PEERS_MAX);
}

/** It says that a site is not reached from outside, and no service of the catalog has that site. */
export function isStrangeSite(alert: Pick<Alert, 'labels' | 'facts'> | undefined): boolean {
  return alert?.facts.known === false && siteOf(alert.labels) === alert.facts.service;
}
