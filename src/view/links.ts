/**
 * Where the links of a message lead: filled in from what the alerts say, as their source said it.
 */
import type { Alert, Incident } from '../model.ts';
import { resolveName } from '../rules/catalog.ts';
import type { Rules, Service } from '../rules/rules.ts';
import { isExporter } from '../rules/service-name.ts';
import { isBefore } from '../state/past.ts';
import type { LaneState } from '../state/state.ts';
import type { Tally } from '../state/tally.ts';

export interface LinksView {
  readonly runbook: string | undefined;
  readonly dashboard: string | undefined;
  /** The service that each is about, where that is another than the likely cause. */
  readonly runbookOf?: string | undefined;
  readonly dashboardOf?: string | undefined;
  /** Of what alerts, beside that of a likely cause without an alert: which of them helps is not certain. */
  readonly otherRunbook?: { readonly address: string; readonly of: string } | undefined;
  readonly source: string | undefined;
  readonly logs: string | undefined;
  /** Where it can be silenced at its source. */
  readonly silence?: string | undefined;
  /** Of Quell itself, when it knows its public address. */
  readonly explain: string | undefined;
}

interface LinkSources {
  readonly incident: Incident;
  /** The alert that speaks for the incident. */
  readonly lead: Alert | undefined;
  readonly rules: Rules;
  readonly tally: Tally;
  readonly publicUrl: string | undefined;
}

export function linksOf(state: LaneState, sources: LinkSources): LinksView {
  const { incident, lead, publicUrl } = sources;
  const explain = publicUrl === undefined ? undefined : `${publicUrl}/incidents/${incident.id}`;
  const own = lead === undefined ? NO_LINKS : linksBy(state, { ...sources, lead });
  return { ...own, explain };
}

const NO_LINKS = {
  runbook: undefined,
  dashboard: undefined,
  source: undefined,
  logs: undefined,
} as const;

function linksBy(
  state: LaneState,
  { incident, lead, rules, tally }: LinkSources & { readonly lead: Alert },
): Omit<LinksView, 'explain'> {
  const transaction = firstOf(tally.transactions.keys());
  const { facts } = lead;
  const fill = (template: string | undefined, service: string | undefined) =>
    template === undefined ||
    (template.includes('{service}') && service === undefined) ||
    (template.includes('{transaction}') && transaction === undefined)
      ? undefined
      : template
          .replaceAll('{transaction}', encoded(transaction ?? ''))
          .replaceAll('{service}', encoded(service ?? ''))
          .replaceAll('{alertname}', encoded(facts.name))
          .replaceAll('{environment}', encoded(facts.environment))
          .replaceAll('{matchers}', () => matchersOf(state, incident, lead, rules));
  const own = namedService(lead);
  const { silent, victim } = whoseLinks(incident, lead, rules, tally);
  const ofCause =
    silent === undefined
      ? undefined
      : (silent.dashboard ?? fill(rules.links.dashboard, silent.name));
  return {
    ...runbooksOf(lead, silent, victim),
    dashboard: ofCause ?? facts.dashboard ?? fill(rules.links.dashboard, own),
    dashboardOf: ofCause === undefined ? victim : undefined,
    source: lead.generatorURL,
    logs: fill(rules.links.logs, silent?.name ?? own),
    silence: incident.phase === 'resolved' ? undefined : fill(rules.links.silence, own),
  };
}

/**
 * Where another alert speaks than one of the likely cause: `victim` is its service, `silent` the cause, if the
 * catalog knows it and it has no alert here.
 */
function whoseLinks(
  { roots }: Incident,
  { facts: { service: victim } }: Alert,
  { catalog }: Rules,
  { services }: Tally,
): { readonly silent?: Service | undefined; readonly victim?: string } {
  const cause = roots[0]?.service;
  if (cause === undefined || cause === victim) return {};
  const isSilent = (services.get(cause)?.alerts ?? 0) === 0;
  return { silent: isSilent ? catalog.services.get(cause) : undefined, victim };
}

/** That of the likely cause first; where it is silent, that of the alert that speaks as well. */
function runbooksOf(
  { facts }: Alert,
  silent: Service | undefined,
  victim: string | undefined,
): Pick<LinksView, 'runbook' | 'runbookOf' | 'otherRunbook'> {
  const { runbook: address } = facts;
  if (silent?.runbook === undefined) return { runbook: address, runbookOf: victim };
  const { runbook, name } = silent;
  if (address === undefined || victim === undefined || address === runbook) return { runbook };
  return { runbook, runbookOf: name, otherRunbook: { address, of: victim } };
}

/**
 * Undefined where the alert names no service, and its host, namespace or own name stands in: no page is about
 * those.
 */
function namedService({ facts, labels }: Alert): string | undefined {
  const { service, known, host, name } = facts;
  const standIns = [host, name, labels['namespace']];
  return known || !(standIns.includes(service) || isExporter(service)) ? service : undefined;
}

/** By name, whatever the order in which they came. */
function firstOf(names: Iterable<string>): string | undefined {
  let first: string | undefined;
  for (const name of names) if (first === undefined || name < first) first = name;
  return first;
}

/** Half a character, as cutting a text leaves it behind, has no code in an address: encodeURIComponent throws. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
}

// --- What silences an incident at its source ---------------------------------------------------

/** Alerts of an incident that are looked through: one with more is better silenced in its thread. */
const ALERTS_MAX = 200;
/** Values that one matcher lists; of a label with more, none is asked for. */
const VALUES_MAX = 20;
/** Longer links are none: rich.ts. */
const ENCODED_MAX = 1_200;

/**
 * In Alertmanager's words, encoded: matchers for all that fires of the incident. Where no few labels tell that from
 * other failures, for all that fires of the likely cause; else for the one alert that speaks.
 */
function matchersOf(state: LaneState, { id }: Incident, lead: Alert, rules: Rules): string {
  const members = state.members.get(id) ?? new Set<string>();
  const alerts = [...members].slice(0, ALERTS_MAX).flatMap((one) => state.alerts.get(one) ?? []);
  alerts.sort((one, other) => (isBefore(one, other) ? -1 : 1));
  const firing = alerts.filter(
    ({ status, source }) => status === 'firing' && source === lead.source,
  );
  // A silence of what is over would keep nothing quiet.
  const speaker = lead.status === 'firing' ? lead : (firing[0] ?? lead);
  const own = encoded(written(matchersFor([speaker], rules)));
  if (members.size > ALERTS_MAX) return own;
  const ofCause = firing.filter(({ facts }) => facts.service === lead.facts.service);
  for (const some of [firing, ofCause]) {
    if (some.length < 2) continue;
    const matchers = matchersFor(some, rules);
    const text = encoded(written(matchers));
    if (isNarrow(matchers, some, rules) && text.length <= ENCODED_MAX) return text;
  }
  return own;
}

/** A label that all of them carry -> its values. */
type Matchers = ReadonlyMap<string, readonly string[]>;

function matchersFor(alerts: readonly Alert[], { notIdentity }: Rules): Matchers {
  const matchers = new Map<string, readonly string[]>();
  for (const name of Object.keys(alerts[0]?.labels ?? {})) {
    if (notIdentity.has(name)) continue;
    // A name like `constructor` is one that every object inherits.
    const values = new Set(
      alerts.map(({ labels }) => (Object.hasOwn(labels, name) ? (labels[name] ?? '') : '')),
    );
    if (!values.has('') && values.size <= VALUES_MAX) matchers.set(name, [...values].sort());
  }
  return matchers;
}

/**
 * False if something of another service or environment could match, too: a label had to be left out, and the
 * remaining ones name neither.
 */
function isNarrow(matchers: Matchers, alerts: readonly Alert[], { catalog, notIdentity }: Rules) {
  const isWhole = alerts.every(({ labels }) =>
    Object.keys(labels).every(
      (name) => matchers.has(name) || notIdentity.has(name) || labels[name] === '',
    ),
  );
  if (isWhole) return true;
  const names = [...matchers.keys()];
  const namesService = names.some((name) =>
    alerts.every(({ labels, facts: { service } }) => {
      const value = labels[name] ?? '';
      return (resolveName(catalog.canonical, value) ?? value) === service;
    }),
  );
  const namesPlace = names.some((name) =>
    alerts.every(({ labels, facts }) => labels[name] === facts.environment),
  );
  const isPlaceSaid = alerts.some(({ labels, facts }) =>
    Object.values(labels).includes(facts.environment),
  );
  return matchers.has('alertname') && namesService && (namesPlace || !isPlaceSaid);
}

function written(matchers: Matchers): string {
  const all = [...matchers].map(([name, values]) => {
    const label = /^[a-z_]\w*$/i.test(name) ? name : JSON.stringify(name);
    const [value = ''] = values;
    return values.length === 1
      ? `${label}=${JSON.stringify(value)}`
      : `${label}=~${JSON.stringify(values.map(literal).join('|'))}`;
  });
  return `{${all.join(',')}}`;
}

/** In brackets, because not every reader of such a link takes a backslash for what it is. */
function literal(value: string): string {
  return value.replace(/[.$*+?()[\]{}|]/g, '[$&]').replace(/[\\^]/g, '\\$&');
}
