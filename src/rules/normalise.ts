/**
 * Facts from an alert's labels and annotations, by fallback lists: the first that is there counts.
 *
 * Runs for every new alert: no pattern runs before a cheap test says that it could match, and answers
 * for values that come again are remembered. It never throws, whatever the alert contains.
 */
import { type Facts, type ReceivedAlert, SEVERITIES, type Severity } from '../model.ts';
import { type FactSource, annotations, firstValue, labels, own } from './fact-source.ts';
import { resolveName } from './catalog.ts';
import { ENVIRONMENT_MAP, inverse, testingIn, words } from './environment.ts';
import { bareHost, ownSites, siteOf } from './host-name.ts';
import { remember } from './remember.ts';
import type { Catalog, Rules } from './rules.ts';
import {
  type Canonical,
  canonicalNames,
  isExporter,
  isProxyExporter,
  isTopicExporter,
  withoutCluster,
  workloadOf,
  workloadOfClaim,
  workloadOfHost,
} from './service-name.ts';
import { DEFAULT_TRANSACTIONS, transactionsOf } from './transactions.ts';

/** One fact: where it stands, what its values mean, and what it is when nothing says so. */
export interface FactRule {
  readonly from: readonly FactSource[];
  /** Keys in lower case. */
  readonly map: ReadonlyMap<string, string>;
  readonly otherwise: string | undefined;
  /** True for the built-in list, which skips names of exporters. */
  readonly guessed: boolean;
}

export interface NormaliseRules {
  readonly name: FactRule;
  readonly service: FactRule;
  readonly environment: FactRule;
  readonly severity: FactRule;
  readonly host: FactRule;
  readonly transaction: readonly FactSource[];
  readonly runbook: FactRule;
  readonly dashboard: FactRule;
  readonly replica: readonly string[];
}

export const SEVERITY_WORDS: Readonly<Record<Severity, readonly string[]>> = {
  critical: words(
    'critical crit page emergency emerg alert fatal panic disaster p1 p0 sev0 sev1 s1',
  ),
  high: words('high error err major p2 sev2 s2'),
  warning: words('warning warn average minor medium moderate p3 sev3 s3'),
  info: words('info information informational notice low debug p4 p5 sev4 sev5 s4'),
  none: words('none ok'),
};
const MEMORY_MAX = 10_000;

export const SEVERITY_MAP = inverse(SEVERITY_WORDS);
const NO_MAP: ReadonlyMap<string, string> = new Map();

function guess(
  from: readonly FactSource[],
  map: ReadonlyMap<string, string> = NO_MAP,
  otherwise?: string,
): FactRule {
  return { from, map, otherwise, guessed: true };
}

/** An annotation of the fact's own name is the last place: what may change while an alert fires stands there. */
function saidOf(
  fact: string,
  from: readonly FactSource[],
  map: ReadonlyMap<string, string> = NO_MAP,
  otherwise?: string,
): FactRule {
  return guess([...from, ...annotations(fact)], map, otherwise);
}

export const NAME_LABELS = ['alertname', 'name', 'check', 'title'];
export const DEFAULT_NORMALISE: NormaliseRules = {
  name: saidOf('alertname', labels(...NAME_LABELS), NO_MAP, 'alert'),
  service: saidOf(
    'service',
    labels(
      ...words('service service_name app app_kubernetes_io_name kubernetes_name k8s_app component'),
      ...words('application sloth_service'),
      ...words('destination_workload destination_service_name destination_service workload'),
      ...words('deployment statefulset daemonset cronjob job_name horizontalpodautoscaler ingress'),
      ...words('persistentvolumeclaim consumergroup consumer_group pod container job'),
    ),
  ),
  environment: saidOf(
    'environment',
    labels('environment', 'env', 'stage', 'deployment_environment'),
    ENVIRONMENT_MAP,
  ),
  severity: saidOf('severity', labels('severity', 'priority', 'level'), SEVERITY_MAP, 'warning'),
  host: saidOf('host', labels('host', 'hostname', 'node', 'nodename', 'instance')),
  transaction: DEFAULT_TRANSACTIONS,
  runbook: guess([
    ...annotations('runbook_url', 'runbook', 'runbookURL', 'panicGuide'),
    ...labels('runbook_url'),
  ]),
  dashboard: guess([
    ...annotations('dashboard_url', 'dashboard', 'dashboardURL'),
    ...labels('dashboard_url'),
  ]),
  replica: ['replica', 'prometheus_replica', '__replica__'],
};

/** Names with a part that says which one of several. */
const OF_WORKLOADS: ReadonlyMap<string, (name: string) => string> = new Map([
  ['pod', workloadOf],
  ['job_name', workloadOf],
  ['persistentvolumeclaim', workloadOfClaim],
]);

/** Labels that are not part of an alert's identity. */
export function notIdentity(rules: NormaliseRules): ReadonlySet<string> {
  const ids = rules.transaction.flatMap((source) => (source.kind === 'label' ? [source.name] : []));
  return new Set([...rules.replica, ...ids]);
}

export function normaliseBy(
  rules: NormaliseRules,
  catalog: Catalog,
  links: Rules['links'],
): (alert: ReceivedAlert) => Facts {
  const name = reading(rules.name);
  const environment = environmentBy(rules.environment);
  const severity = severityBy(rules.severity);
  const host = hostBy(rules.host);
  const isOurs = oursBy(catalog, links);
  const find = canonicalNames(catalog.canonical, isOurs);
  const service = serviceBy(rules.service, find);
  const meant = meantBy(rules, catalog, { find, isOurs });
  const consumer = consumerBy(rules, catalog, find);
  const transactions = transactionsOf(rules.transaction);
  const runbook = addressBy(rules.runbook);
  const dashboard = addressBy(rules.dashboard);
  return (alert) => {
    const kind = name(alert) ?? 'alert';
    const teller = service(alert);
    const named = consumer(alert, teller);
    const at = host(alert, named, named !== teller);
    const found = named ?? meant(alert, at);
    const known = found === undefined ? undefined : catalog.services.get(found);
    return {
      name: kind,
      service: found ?? at ?? scraped(alert) ?? own(alert.labels, 'namespace') ?? kind,
      known: known !== undefined,
      environment: environment(alert),
      severity: severity(alert),
      host: at,
      transactions: transactions(alert),
      runbook: runbook(alert) ?? known?.runbook,
      dashboard: dashboard(alert) ?? known?.dashboard,
    };
  };
}

/** Whether a site is of ours, as far as the addresses in the rules say. */
function oursBy({ services }: Catalog, links: Rules['links']): (site: string) => boolean {
  const ours = [...services.values()].flatMap(({ runbook, dashboard }) => [runbook, dashboard]);
  return ownSites([...ours, links.logs, links.dashboard, links.silence]);
}

/** Everybody has such sites, also those whom our services call. */
const ANYBODYS = /^(?:api|app|web|www)\./i;

/** Labels that name who owns it, who called, or who was called: not what fails. */
const OF_OTHERS =
  /(?:^|_)(?:team|squad|tribe|owner|owned|owning|maintainer|contact|oncall|assignee|department|channel|receiver|tenant|customer|peer|remote|upstream|downstream|dependency|client|caller|callee|source|src|parent)(?:_|$)/;

function isOfOthers(label: string): boolean {
  const words = label.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  return OF_OTHERS.test(words.replace(/[.:/-]/g, '_').replace('on_call', 'oncall'));
}

/**
 * The service of the catalog that an alert means that names none: by a name or alias in its host, or of the workload
 * whose pod the host is; for one of our own sites that is probed, also without its domain; for an alert without a
 * host, by any label that may name what fails.
 */
function meantBy(
  { service, name, severity, environment }: NormaliseRules,
  { canonical }: Catalog,
  { find, isOurs }: { readonly find: Canonical; readonly isOurs: (site: string) => boolean },
): (alert: ReceivedAlert, at: string | undefined) => string | undefined {
  if (!service.guessed || canonical.size === 0) return () => undefined;
  const ofSite = remember(MEMORY_MAX, (site) => (isOurs(site) ? find(site) : undefined) ?? '');
  const others = [...name.from, ...severity.from, ...environment.from];
  const says = new Set(others.flatMap((from) => (from.kind === 'label' ? [from.name] : [])));
  const mayName = remember(MEMORY_MAX, (label) => !says.has(label) && !isOfOthers(label));
  return (alert, at) => {
    if (at !== undefined) {
      const known = resolveName(canonical, at) ?? resolveName(canonical, workloadOfHost(at));
      if (known !== undefined || at !== siteOf(alert.labels) || ANYBODYS.test(at)) return known;
      return ofSite(at) || undefined;
    }
    for (const label in alert.labels) {
      const known = mayName(label) ? resolveName(canonical, alert.labels[label] ?? '') : undefined;
      if (known !== undefined) return known;
    }
    return undefined;
  };
}

const BROKER =
  /(?:^|[-_.])(?:rabbit|rabbitmq|kafka|redpanda|activemq|artemis|nats|pulsar|sqs)(?:$|[-_.\d])/i;
const QUEUES = ['consumergroup', 'consumer_group', 'queue', 'queue_name'];

/**
 * A broker, or its exporter, tells of queues: what fails is whoever takes from them, if the catalog has one of that
 * name. Other queues are the broker's, so that a broker that fails is one service, and not as many as it has queues.
 */
function consumerBy(
  { service }: NormaliseRules,
  { canonical }: Catalog,
  find: Canonical,
): (alert: ReceivedAlert, teller: string | undefined) => string | undefined {
  if (!service.guessed || canonical.size === 0) return (_, teller) => teller;
  const isBroker = remember(MEMORY_MAX, (name) => BROKER.test(name));
  return ({ labels: said }, teller) => {
    if (teller !== undefined && !isBroker(teller)) return teller;
    for (const label of QUEUES) {
      const raw = own(said, label);
      const known = raw === undefined ? undefined : find(raw);
      if (known !== undefined) return known;
    }
    return teller;
  };
}

/** Said of a whole scrape job: the exporter itself is what is wrong, unless it tells of others only. */
function scraped({ labels }: ReceivedAlert): string | undefined {
  const job = own(labels, 'job');
  return job !== undefined && isExporter(job) && !isProxyExporter(job) ? job : undefined;
}

type Reader = (alert: ReceivedAlert) => string | undefined;

function reading(rule: FactRule): Reader {
  const first = firstValue(rule.from);
  const { map, otherwise } = rule;
  if (map.size === 0) return otherwise === undefined ? first : (alert) => first(alert) ?? otherwise;
  const mapped = remember(MEMORY_MAX, (raw) => map.get(raw.toLowerCase()) ?? raw);
  return (alert) => {
    const raw = first(alert);
    return raw === undefined ? otherwise : mapped(raw);
  };
}

/** Where to look if no label names the environment. */
const PLACES = ['exported_namespace', 'namespace', 'kubernetes_namespace', 'cluster'];

/** Where nobody said in which label it stands, the place may be named for it. */
function environmentBy(rule: FactRule): (alert: ReceivedAlert) => string {
  const stated = reading({ ...rule, otherwise: undefined });
  const { map, otherwise = 'production' } = rule;
  const found = remember(MEMORY_MAX, (place) => {
    const word = testingIn(place);
    return map.get(word) ?? word;
  });
  const places = rule.guessed ? PLACES : [];
  return (alert) => {
    const said = stated(alert);
    if (said !== undefined) return said;
    for (const name of places) {
      const place = own(alert.labels, name);
      const testing = place === undefined ? '' : found(place);
      if (testing !== '') return testing;
    }
    return otherwise;
  };
}

/** The first that is a web address: `TBD` leads nowhere, and hides none that stands elsewhere. */
function addressBy(rule: FactRule): Reader {
  const { map, otherwise } = rule;
  const readers = rule.from.map((source) => reading(guess([source], map)));
  const isAddress = remember(
    MEMORY_MAX,
    (text) => /^https?:\/\//i.test(text) && URL.canParse(text),
  );
  return (alert) => {
    for (const read of readers) {
      const address = read(alert);
      if (address !== undefined && isAddress(address)) return address;
    }
    return otherwise;
  };
}

function severityBy(rule: FactRule): (alert: ReceivedAlert) => Severity {
  const first = firstValue(rule.from);
  const otherwise = toSeverity(rule.otherwise ?? '') ?? 'warning';
  const mapped = remember(
    MEMORY_MAX,
    (raw): Severity => toSeverity(rule.map.get(raw.toLowerCase()) ?? raw) ?? otherwise,
  );
  return (alert) => {
    const raw = first(alert);
    return raw === undefined ? otherwise : mapped(raw);
  };
}

/** In any case, and with a hyphen or without: `SEV-1`. */
export function toSeverity(raw: string): Severity | undefined {
  const word = raw.toLowerCase().replace(/^(p|s|sev)[-_ ](\d)$/, '$1$2');
  const mapped = SEVERITY_MAP.get(word) ?? word;
  return SEVERITIES.find((severity) => severity === mapped);
}

/** A name of the catalog wins; else the name as it is. The built-in list passes over exporters. */
function serviceBy(rule: FactRule, canonical: Canonical): Reader {
  const { map, otherwise, guessed } = rule;
  const settle = remember(MEMORY_MAX, (raw) => {
    const mapped = map.get(raw.toLowerCase()) ?? (guessed ? withoutCluster(raw) : raw);
    const known = canonical(mapped);
    return known ?? (guessed && isExporter(mapped) ? '' : mapped);
  });
  if (!guessed) {
    const first = firstValue(rule.from);
    return (alert) => {
      const raw = first(alert);
      return raw === undefined ? otherwise : settle(raw);
    };
  }
  const names = rule.from.flatMap((source) => (source.kind === 'label' ? [source.name] : []));
  const noted = firstValue(rule.from.filter(({ kind }) => kind !== 'label'));
  return (alert) => {
    for (const name of names) {
      const raw = own(alert.labels, name);
      const settled = raw === undefined ? '' : settle(OF_WORKLOADS.get(name)?.(raw) ?? raw);
      if (settled !== '') return settled;
    }
    const raw = noted(alert);
    const settled = raw === undefined ? '' : settle(raw);
    return settled === '' ? otherwise : settled;
  };
}

/**
 * Without its port, so that all alerts of a host agree; an address that every host has is none. `isTold`: by another
 * service, which was measured at `instance`.
 */
function hostBy(
  rule: FactRule,
): (alert: ReceivedAlert, service: string | undefined, isTold: boolean) => string | undefined {
  const read = reading(rule);
  const isProxy = remember(MEMORY_MAX, (job) => isProxyExporter(job) || isTopicExporter(job));
  return (alert, service, isTold) => {
    const raw = read(alert);
    // An address that a service's alert names is whom it calls, more often than where it runs.
    if (raw === undefined)
      return rule.guessed && service === undefined ? siteOf(alert.labels) : undefined;
    if (rule.guessed && raw === alert.labels['instance']) {
      const job = own(alert.labels, 'job');
      if (isTold || (job !== undefined && isProxy(job))) return undefined;
    }
    return bareHost(raw);
  };
}
