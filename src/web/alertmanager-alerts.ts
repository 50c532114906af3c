/**
 * Alerts as Alertmanager's API shows them: those that fire, streamed in small steps, because whoever
 * asks for a hundred thousand of them must not keep alerts from coming in.
 */
import type { Response } from 'express';
import type { Lane } from '../lane/lane.ts';
import type { Lanes } from '../lane/lanes.ts';
import { subjectOf } from '../life/lead.ts';
import { testOf, isInForce } from '../life/mute.ts';
import type { Alert, Instant, Silence } from '../model.ts';
import { parseSelector, type Predicate } from '../rules/matcher.ts';
import { compileAnchored } from '../rules/regex.ts';
import type { Rules } from '../rules/rules.ts';
import { type Asked, factOrLabel } from '../rules/selector.ts';
import type { LaneState } from '../state/state.ts';
import { badQuery } from './query.ts';
import { iso } from './shapes.ts';
import { arrayText, createPause, streamArray, streamText } from './stream-array.ts';

interface AlertsQuery {
  readonly active: boolean;
  readonly silenced: boolean;
  readonly inhibited: boolean;
  readonly matches: readonly Predicate[];
  readonly receiver: (name: string) => boolean;
}

const FLAGS = ['active', 'silenced', 'inhibited', 'unprocessed', 'muted'] as const;

/** Parameters of others' newer versions are left alone, as Alertmanager does. */
export function readAlertsQuery(url: string, { rules }: Lanes): AlertsQuery {
  const { searchParams } = new URL(url, 'http://quell.invalid');
  const flag = (name: (typeof FLAGS)[number]): boolean => {
    const text = searchParams.get(name) ?? 'true';
    if (text === 'true' || text === 'false') return text === 'true';
    throw badQuery(`${name}: expected true or false, got "${text.slice(0, 40)}"`);
  };
  return {
    active: flag('active'),
    silenced: flag('silenced'),
    inhibited: flag('inhibited'),
    matches: searchParams
      .getAll('filter')
      .flatMap(matchersIn)
      .map((asked) => predicateOf(asked, rules)),
    receiver: readReceiver(searchParams.get('receiver')),
  };
}

/** A bare word is the name of an alert. */
function matchersIn(text: string): readonly Asked[] {
  const parsed = parseSelector(text);
  if (parsed.kind === 'refused') throw badQuery(`filter: ${parsed.message}`);
  const { name, matchers } = parsed;
  return name === undefined
    ? matchers
    : [{ name: 'alertname', operator: '=', value: name }, ...matchers];
}

function predicateOf(asked: Asked, { catalog }: Rules): Predicate {
  const made = factOrLabel(asked, catalog);
  if (made.kind === 'predicate') return made.test;
  throw badQuery(`filter: ${made.message}`);
}

function readReceiver(pattern: string | null): (name: string) => boolean {
  if (pattern === null || pattern === '') return () => true;
  const regex = compileAnchored(pattern);
  if (regex.kind === 'refused') throw badQuery(`receiver: ${regex.message}`);
  return regex.test;
}

/** As Alertmanager filters silences: by the values of their matchers, as if those were labels. */
export function silenceFilter(url: string): (silence: Silence) => boolean {
  const { searchParams } = new URL(url, 'http://quell.invalid');
  const filters = searchParams.getAll('filter').flatMap(matchersIn);
  const wanted = filters.map(({ name, operator, value }) => {
    const isNegative = operator === '!=' || operator === '!~';
    const regex = operator === '=~' || operator === '!~' ? compileAnchored(value) : undefined;
    if (regex?.kind === 'refused') throw badQuery(`filter: ${regex.message}`);
    const equals = (text: string) => (regex === undefined ? text === value : regex.test(text));
    return { name, holds: (text: string) => equals(text) !== isNegative };
  });
  return ({ matchers }) =>
    wanted.every(({ name, holds }) =>
      holds(matchers.find((matcher) => matcher.name === name)?.value ?? ''),
    );
}

// ---------------------------------------------------------------------------------------------

interface Shown {
  readonly alert: Alert;
  readonly silencedBy: readonly string[];
  /** Where it stands. */
  readonly state: LaneState;
}

/** Firing alerts as they stand now; records are never changed in place. */
function* shownOf({ all }: Lanes, query: AlertsQuery, now: Instant): Generator<Shown | undefined> {
  for (const lane of all) yield* shownIn(lane, query, now);
}

function* shownIn(lane: Lane, query: AlertsQuery, now: Instant): Generator<Shown | undefined> {
  const { state } = lane;
  const inEffect = [...state.silences.values()]
    .filter(({ silence }) => isInForce(silence, now))
    .map(({ silence }) => ({ id: silence.id, test: testOf(lane, silence) }));
  for (const alert of Array.from(state.alerts.values())) {
    // Undefined: nothing to show, but work was done.
    yield shownAs(alert, query, inEffect, state);
  }
}

function shownAs(
  alert: Alert,
  query: AlertsQuery,
  inEffect: readonly { readonly id: string; readonly test: Predicate }[],
  state: LaneState,
): Shown | undefined {
  if (alert.status !== 'firing') return undefined;
  const subject = subjectOf(alert);
  if (!query.matches.every((matches) => matches(subject))) return undefined;
  if (!query.receiver(receiverOf(alert, state))) return undefined;
  const silencedBy = inEffect.filter(({ test }) => test(subject)).map(({ id }) => id);
  return isAsked(alert, silencedBy, query) ? { alert, silencedBy, state } : undefined;
}

/** As Alertmanager: `inhibited=false` leaves out what is inhibited, `active=false` what is not suppressed. */
function isAsked(
  { muted }: Alert,
  silencedBy: readonly string[],
  { active, silenced, inhibited }: AlertsQuery,
): boolean {
  const isInhibited = muted?.inhibitor !== undefined;
  const isSilenced = silencedBy.length > 0 || (muted !== undefined && !isInhibited);
  if (!isSilenced && !isInhibited) return active;
  return (!isSilenced || silenced) && (!isInhibited || inhibited);
}

/** The channel that is told of it. */
function receiverOf({ incident }: Alert, { incidents }: LaneState): string {
  return incidents.get(incident ?? '')?.route?.channel ?? 'quell';
}

function shapeOf({ alert, silencedBy, state }: Shown, now: Instant) {
  const { muted, expiresAt } = alert;
  const inhibitedBy = muted?.inhibitor === undefined ? [] : [muted.inhibitor];
  const isByRules = muted !== undefined && inhibitedBy.length === 0 && silencedBy.length === 0;
  const mutedBy = isByRules ? [muted.by] : [];
  const isSuppressed = silencedBy.length > 0 || muted !== undefined;
  return {
    annotations: alert.annotations,
    endsAt: iso(expiresAt ?? now + SHOWN_TIMEOUT_MS),
    fingerprint: alert.fingerprint,
    generatorURL: alert.generatorURL ?? '',
    labels: alert.labels,
    receivers: [{ name: receiverOf(alert, state) }],
    startsAt: iso(alert.startsAt),
    status: {
      inhibitedBy,
      mutedBy,
      silencedBy,
      state: isSuppressed ? 'suppressed' : 'active',
    },
    updatedAt: iso(alert.since),
  };
}

/** The API asks for an end; this is Alertmanager's usual time-out. */
const SHOWN_TIMEOUT_MS = 5 * 60_000;

export async function sendAlerts(
  response: Response,
  lanes: Lanes,
  query: AlertsQuery,
  now: Instant,
): Promise<void> {
  function* items() {
    for (const shown of shownOf(lanes, query, now))
      yield shown === undefined ? undefined : shapeOf(shown, now);
  }
  await streamArray(response, items());
}

interface Group {
  readonly incident: string | undefined;
  readonly alerts: Shown[];
}

/** A group is an incident; what stands in none, because it is silenced, is a group of its own. */
export async function sendGroups(
  response: Response,
  lanes: Lanes,
  query: AlertsQuery,
  now: Instant,
): Promise<void> {
  const groups = new Map<string | undefined, Group>();
  const pause = createPause();
  for (const shown of shownOf(lanes, query, now)) {
    const turn = pause();
    if (turn !== undefined) await turn;
    if (shown === undefined) continue;
    const { incident } = shown.alert;
    const group = groups.get(incident) ?? { incident, alerts: [] };
    groups.set(incident, group);
    group.alerts.push(shown);
  }
  await streamText(response, groupsText(groups.values(), now));
}

/** One incident may have very many alerts: each is a piece of its own. */
function* groupsText(groups: Iterable<Group>, now: Instant): Generator<string> {
  function* shapes({ alerts }: Group) {
    for (const shown of alerts) yield shapeOf(shown, now);
  }
  let separator = '[';
  for (const group of groups) {
    const [first] = group.alerts;
    const name = first === undefined ? 'quell' : receiverOf(first.alert, first.state);
    const labels = JSON.stringify(labelsOf(first?.state, group.incident));
    const open = `{"labels":${labels},"receiver":${JSON.stringify({ name })},"alerts":[`;
    yield* arrayText(shapes(group), separator + open, ']}');
    separator = ',';
  }
  yield separator === '[' ? '[]\n' : ']\n';
}

function labelsOf(state: LaneState | undefined, id: string | undefined): Record<string, string> {
  const incident = state?.incidents.get(id ?? '');
  if (incident === undefined) return {};
  const service = incident.roots[0]?.service;
  const { environment } = incident;
  return { incident: incident.id, environment, ...(service === undefined ? {} : { service }) };
}
