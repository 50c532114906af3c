/**
 * What an alert names that is none of ours: whom its service calls, by a label that says so, or a host name in its texts.
 */
import type { Alert } from '../model.ts';
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
const TEXTS = ['summary', 'description', 'message'] as const;
const TEXT_MAX = 500;
const NAME_MAX = 100;
const PEERS_MAX = 4;

/** Public names only: what ends otherwise is a machine, a file, a class. Of an address in a text that is a link nothing is taken. */
const HOST =
  /(?<![\w@./:-])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,4}(?:com|net|org|io|co|dev|app|cloud|eu|uk|de|fr|nl|us|ai|gov|in|jp|br|ca|au|ch)(?![\w-]|\.\w|\/)/gi;
const ADDRESS = /^(?:https?:\/\/)?([a-z0-9.-]{1,100})(?::\d{1,5})?(?:[/?#]|$)/i;
/** What is in the texts of very many alerts and fails with none: prefixes of labels and annotations. */
const NO_PEERS = /(?:^|\.)(?:kubernetes|k8s|prometheus|grafana|istio)\.io$/;

/** At most four names, in small letters; none of a service of the catalog, nor of the alert's own host. */
export function peersOf(
  { labels, annotations, facts }: Pick<Alert, 'labels' | 'annotations' | 'facts'>,
  catalog: Catalog,
): readonly string[] {
  const names = new Set<string>();
  for (const label in labels) {
    const value = labels[label] ?? '';
    if (CALLED.has(label)) names.add(value.toLowerCase());
    else if (ADDRESSES.has(label)) addHosts(names, ADDRESS.exec(value)?.[1] ?? '');
  }
  for (const text of TEXTS) addHosts(names, annotations[text] ?? '');
  // Most alerts name nobody.
  if (names.size === 0) return [];
  const own = [facts.service, facts.host].map((name) => name?.toLowerCase());
  const isPeer = (name: string) =>
    name !== '' &&
    name.length <= NAME_MAX &&
    !own.includes(name) &&
    !NO_PEERS.test(name) &&
    !catalog.services.has(name);
  return [...names].filter(isPeer).slice(0, PEERS_MAX);
}

function addHosts(names: Set<string>, text: string): void {
  if (!text.includes('.')) return;
  for (const name of text.slice(0, TEXT_MAX).match(HOST) ?? []) names.add(name.toLowerCase());
}
