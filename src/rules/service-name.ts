/**
 * From a name found in labels to the canonical name of the catalog: exact, any case, alias, and at
 * last without an environment, namespace or domain around it, but only if that gives a known name.
 */
import { resolveName } from './catalog.ts';

const ENVIRONMENT_WORDS =
  'production|prod|prd|live|staging|stage|stg|development|develop|dev|testing|test|qa|uat|preprod|sandbox';
const SUFFIX = new RegExp(`[-_.](?:${ENVIRONMENT_WORDS})$`, 'i');
const PREFIX = new RegExp(`^(?:${ENVIRONMENT_WORDS})[-_.]`, 'i');

/** `Checkout Service`, as people call it in other tools. */
const KIND = /[-_. ](?:service|svc)$/i;

/**
 * Names of what measures, not of what is measured. Scrape jobs carry them in `job` and `service`, and
 * taking them for a service would make one node of a whole fleet.
 */
const EXPORTERS: ReadonlySet<string> = new Set([
  'node',
  'kubelet',
  'cadvisor',
  'kube-state-metrics',
  'blackbox',
  'snmp',
  'icmp',
  'ping',
  'tcp',
  'tcp_connect',
  'http_2xx',
  'pushgateway',
  'telegraf',
  'statsd',
  'otel-collector',
  'opentelemetry-collector',
  'cloudwatch',
  'yace',
]);

export function isExporter(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    EXPORTERS.has(lower) ||
    /^(?:blackbox|probe\/)|(?:exporter|kube-state-metrics|-kubelet)$/.test(lower)
  );
}

/** True where `instance` is the exporter's own address and says nothing of the failing host. */
export function isProxyExporter(name: string): boolean {
  return /kube-state-metrics$|^pushgateway$|^statsd|^cloudwatch|^yace$|collector$/i.test(name);
}

/** The same of an exporter that is said to be broken itself by its scrape job. */
export function isTopicExporter(name: string): boolean {
  return /^kafka[-_](?:lag[-_])?exporter/i.test(name);
}

export type Canonical = (name: string) => string | undefined;

/** `isOurs`: whether a site is one of ours, whose domain may be left out: `login.okta.com` is no `login`. */
export function canonicalNames(
  known: ReadonlyMap<string, string>,
  isOurs: (site: string) => boolean,
): Canonical {
  if (known.size === 0) return () => undefined;
  return (name) => resolveName(known, name) ?? resolveStripped(known, isOurs, name);
}

function resolveStripped(
  known: ReadonlyMap<string, string>,
  isOurs: (site: string) => boolean,
  name: string,
): string | undefined {
  // `namespace/service`, as scrape jobs are called in Kubernetes.
  const short = name.slice(name.lastIndexOf('/') + 1);
  // `service.namespace.svc.cluster.local`; `service.namespace` has no domain that could be of others.
  const [first = '', ...domain] = short.split('.');
  const host = domain.length < 2 || isOurs(short) ? first : short;
  const bare = short.replace(KIND, '');
  for (const candidate of [
    short,
    short.replace(SUFFIX, ''),
    short.replace(PREFIX, ''),
    host,
    bare,
  ]) {
    if (candidate === '') continue;
    const found = resolveName(known, candidate);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What Kubernetes puts at the end of names: no vowels, so that no word comes about by chance. */
const SAFE = '[bcdfghjklmnpqrstvwxz2456789]';
/** What others who make pods put there: a letter after a digit is no word either. */
const HASH = '(?=[a-z]{0,9}\\d{1,9}[a-z])[a-z\\d]{8,10}-[a-z\\d]{5}';
const POD = new RegExp(
  `^(.+?)-(?:${SAFE}{6,10}-${SAFE}{5}|${HASH}|\\d{8,10}(?:-${SAFE}{5})?|${SAFE}{5}|\\d{1,3})$`,
);

/** The workload that a pod belongs to: `cart-6d5f8b7c9-x2k4z`, `cart-x2k4z`, `cart-0` and a job's `cart-28475920` are of `cart`. */
export function workloadOf(pod: string): string {
  return POD.exec(pod)?.[1] ?? pod;
}

/**
 * The workload that a host is a pod of, by its name: `orders-db-0`, `orders-db-0.orders-db.shop.svc`. Kubernetes writes no
 * leading zero: `ldap-01` is a machine, which may fail by itself.
 */
export function workloadOfHost(host: string): string {
  const pod = /\.svc(?:\.|$)/.test(host) ? host.slice(0, host.indexOf('.')) : host;
  return /-0\d+$/.test(pod) ? pod : workloadOf(pod);
}

/** What the volume of a stateful set is called in its template, nearly always. */
const CLAIM = /^(?:data|datadir|storage|db|pgdata|volume|persistence|logs|wal)(?:-\d{1,3})?-(.+)$/;

/** The workload that a claim belongs to: `data-postgres-0`, which is the volume `data` of `postgres-0`, is of `postgres`. */
export function workloadOfClaim(claim: string): string {
  const workload = workloadOf(claim);
  return workload === claim ? claim : (CLAIM.exec(workload)?.[1] ?? workload);
}

/** `cart.shop.svc.cluster.local` is `cart`. */
export function withoutCluster(name: string): string {
  return name.replace(/\.[^.]+\.svc(?:\..*)?$/, '');
}
