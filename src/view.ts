/**
 * What an incident looks like to people: the ingredients of its Slack message, its page and its API
 * answer, gathered from the state. Wording and mark-up are the renderer's (slack/message.ts).
 *
 * Every string in it comes from outside and may contain anything.
 */
import { type CandidateView, type CauseView, causeView, victimOf } from './view/cause.ts';
import { callersOf } from './correlate/graph.ts';
import { partingOf } from './correlate/may.ts';
import { rankRoots } from './correlate/root.ts';
import { penaltyAt } from './dedupe/flap.ts';
import { causeOf, speakerOf, subjectOf } from './life/lead.ts';
import { linksOf, type LinksView } from './view/links.ts';
import type {
  Alert,
  Gesture,
  Incident,
  Instant,
  Labels,
  Mark,
  People,
  Phase,
  RouteDecision,
  Severity,
} from './model.ts';
import type { Rules } from './rules/rules.ts';
import { readKey } from './state/keys.ts';
import { alertsOf, type LaneState, tallyOf } from './state/state.ts';
import type { Moment } from './state/turn.ts';
import { stormTally, type StormView, stormView } from './view/storm.ts';
import type { Tally } from './state/tally.ts';

interface KeptApart {
  readonly incident: string;
  /** The likely cause of that. */
  readonly service: string;
  readonly by: string;
  readonly at: Instant;
}

export interface MessageView {
  readonly incident: string;
  readonly revision: number;
  readonly phase: Phase;
  readonly special: 'storm' | 'heartbeat' | undefined;
  readonly severity: Severity;
  readonly environment: string;
  readonly startsAt: Instant;
  readonly resolvedAt: Instant | undefined;
  /** When the last of its alerts ended, by the source's clock, like startsAt; undefined: nobody said. */
  readonly endedAt: Instant | undefined;
  /** When this view was taken: another day is written out. */
  readonly now: Instant;
  /** The alert that speaks for the incident: the root's first one; of what goes on where the root has recovered. */
  readonly lead: {
    readonly name: string;
    readonly service: string;
    readonly summary: string | undefined;
    readonly description: string | undefined;
    readonly host: string | undefined;
    /** Others of the incident are of other hosts. */
    readonly isElsewhereToo: boolean;
    readonly impact: string | undefined;
  };
  readonly root: CauseView | undefined;
  /** The other candidates, best first. */
  readonly otherRoots: readonly CandidateView[];
  /** Services with alerts, what still fires first, then the most hit, at most ten. */
  readonly services: readonly {
    readonly name: string;
    readonly firing: number;
    readonly alerts: number;
  }[];
  readonly servicesTotal: number;
  readonly alerts: { readonly firing: number; readonly total: number };
  /** Kinds of alert (alertname) with counts, most first, at most five. */
  readonly kinds: readonly { readonly name: string; readonly alerts: number }[];
  /** Of the services that still fire; of all when none does. */
  readonly capabilities: readonly string[];
  /** Where none of these has a name: what depends on the likely cause by the catalog, nearest first. */
  readonly neededBy: readonly string[];
  /** The service that is worst off, where the alert that speaks for the incident is milder than that. */
  readonly victim: string | undefined;
  readonly transactions: { readonly ids: readonly string[]; readonly total: number };
  readonly owner: string | undefined;
  readonly links: LinksView;
  /** Slack ids to mention: on the first post only. */
  readonly mention: readonly string[];
  /** Whom the post and its escalation called: named from then on, not called again. */
  readonly called: readonly string[];
  readonly acknowledged: readonly Mark[];
  readonly solved: Mark | undefined;
  readonly snoozed: { readonly by: string; readonly until: Instant } | undefined;
  readonly notActionable: readonly Mark[];
  readonly escalated: number;
  readonly reopened: number;
  /** Alerts of it that flap, and how often they fired. Not damped: what speaks for it came and went, and fires on now. */
  readonly flapping:
    | { readonly alerts: number; readonly episodes: number; readonly isDamped: boolean }
    | undefined;
  readonly mergedInto: string | undefined;
  /** What people said before it is not one with, as far as that goes on. */
  readonly keptApart?: readonly KeptApart[];
  readonly storm: StormView | undefined;
  /** A lost heartbeat. */
  readonly heartbeat:
    | { readonly name: string; readonly lastSeenAt: Instant | undefined }
    | undefined;
  readonly toldBecause: string | undefined;
  /** The channel that its route says, and why Slack would not take it there: it stands in another. */
  readonly meantFor?: RouteDecision['meantFor'];
  /** For how long the snooze reaction keeps it quiet. */
  readonly snoozeMs: number;
  /** Slack user id -> name, for places that cannot show a Slack mention. */
  readonly people: People;
  /** What to react with; nothing for what no emoji stands for. */
  readonly emoji: Readonly<Partial<Record<Gesture, string>>>;
}

const SERVICES_SHOWN = 10;
const KINDS_SHOWN = 5;
const TRANSACTIONS_SHOWN = 3;
/** Alerts looked through for a link that the lead alert lacks, or for how often something flapped. */
const LOOKED_THROUGH_MAX = 50;

/** Costs what it shows, not what the incident holds. */
export function buildView(
  state: LaneState,
  known: Incident,
  rules: Rules,
  now: Instant,
  publicUrl: string | undefined,
): MessageView {
  const incident = withCauses({ state, rules, now }, known);
  const tally = incident.special === 'storm' ? stormTally(state) : tallyOf(state, incident.id);
  const lead = speakerOf(state, incident);
  const counts = countsView(tally, rules);
  const callers = callersOf(rules, incident.roots[0]?.service ?? '').keys();
  return {
    incident: incident.id,
    revision: incident.revision,
    phase: incident.phase,
    special: incident.special,
    severity: incident.severity,
    environment: incident.environment,
    startsAt: incident.startsAt,
    resolvedAt: incident.resolvedAt,
    endedAt: tally.lastEndsAt,
    now,
    lead: leadView(lead, incident.roots[0]?.service, tally),
    ...causeView(incident, lead, rules, tally),
    ...counts,
    neededBy: counts.capabilities.length > 0 ? [] : capabilitiesOf(rules, callers),
    victim: victimOf(tally, incident, lead),
    links: linksOf(state, { incident, lead, rules, tally, publicUrl }),
    ...peopleView(incident, rules),
    flapping:
      tally.flapping === 0
        ? comesAndGoes(lead, rules, now)
        : { alerts: tally.flapping, episodes: episodesOf(state, incident), isDamped: true },
    mergedInto: incident.mergedInto,
    keptApart: keptApartOf(state, incident, now),
    storm: incident.special === 'storm' ? stormView(state, incident) : undefined,
    heartbeat: incident.special === 'heartbeat' ? heartbeatView(state, incident) : undefined,
    toldBecause: incident.toldBecause,
    meantFor: meantFor(incident),
  };
}

/** Judged now, as all else is counted now: since it was last decided upon more alerts may have come or gone. */
function withCauses(moment: Moment, incident: Incident): Incident {
  if (incident.special !== undefined || incident.phase === 'resolved') return incident;
  return { ...incident, roots: rankRoots(moment, incident) };
}

function keptApartOf(state: LaneState, incident: Incident, now: Instant): readonly KeptApart[] {
  return (incident.apartFrom ?? []).flatMap((id) => {
    const other = state.incidents.get(id);
    if (other === undefined || !state.open.has(id)) return [];
    const parting = partingOf({ state, now }, incident, other);
    const service = causeOf(state, other) ?? '';
    return parting === undefined ? [] : [{ incident: id, service, by: parting.by, at: parting.at }];
  });
}

/** Whoever routes it anew may lead it to the channel that was meant. */
function meantFor({ route }: Incident): MessageView['meantFor'] {
  return route?.channel === route?.meantFor?.channel ? undefined : route?.meantFor;
}

function countsView(
  tally: Tally,
  rules: Rules,
): Pick<
  MessageView,
  'services' | 'servicesTotal' | 'alerts' | 'kinds' | 'capabilities' | 'transactions'
> {
  const services = [...tally.services].filter(([, own]) => own.alerts > 0);
  services.sort(([a, one], [b, other]) => other.alerts - one.alerts || (a < b ? -1 : 1));
  const failing = services.filter(([, { firing }]) => firing > 0);
  const recovered = services.filter(([, { firing }]) => firing === 0);
  const shown = [...failing, ...recovered].slice(0, SERVICES_SHOWN);
  // What has recovered fails no more; when all has, it tells what was hit.
  const hit = failing.length > 0 ? failing : recovered;
  const ids = mostOf(tally.transactions, TRANSACTIONS_SHOWN).map(([id]) => id);
  return {
    services: shown.map(([name, { firing, alerts }]) => ({ name, firing, alerts })),
    servicesTotal: services.length,
    alerts: { firing: tally.firing, total: tally.alerts },
    kinds: mostOf(tally.kinds, KINDS_SHOWN).map(([name, alerts]) => ({ name, alerts })),
    capabilities: capabilitiesOf(
      rules,
      hit.map(([name]) => name),
    ),
    transactions: { ids, total: tally.transactions.size },
  };
}

function peopleView(
  incident: Incident,
  rules: Rules,
): Pick<
  MessageView,
  | 'mention'
  | 'called'
  | 'acknowledged'
  | 'solved'
  | 'snoozed'
  | 'notActionable'
  | 'escalated'
  | 'reopened'
  | 'snoozeMs'
  | 'people'
  | 'emoji'
> {
  const { acknowledged, solved, snoozed, notActionable, escalated, reopened } = incident;
  const { mention = [], escalate } = incident.route ?? {};
  const isPosted = incident.message !== undefined;
  const later = escalated > 0 ? (escalate?.mention ?? []) : [];
  return {
    mention: isPosted ? [] : mention,
    called: isPosted ? [...new Set([...mention, ...later])] : [],
    acknowledged,
    solved,
    snoozed,
    notActionable,
    escalated,
    reopened,
    snoozeMs: rules.life.snoozeMs,
    people: rules.people,
    emoji: emojiOf(rules),
  };
}

function leadView(
  lead: Alert | undefined,
  root: string | undefined,
  { hosts }: Tally,
): MessageView['lead'] {
  const { annotations } = lead ?? { annotations: {} as Labels };
  return {
    name: lead?.facts.name ?? '',
    service: lead?.facts.service ?? root ?? '',
    summary:
      annotations.summary ??
      annotations.message ??
      annotations.title ??
      firstSentence(annotations.description),
    description: annotations.description ?? annotations.technicalSummary,
    host: lead?.facts.host,
    isElsewhereToo: hosts.size > 1,
    impact: annotations.businessImpact ?? annotations.impact,
  };
}

const SENTENCE_SEEN = 200;
/** The dot of an abbreviation ends none. */
const SENTENCE =
  /^\s*(\S[^\n]{0,138}?)(?:[.!]?\s*$|(?<!\b(?:e\.g|i\.e|vs|ca|approx|incl|resp))[.!]\s|\n)/i;

/** Of a description that begins with a short one: it says more than the name of the alert. */
function firstSentence(text: string | undefined): string | undefined {
  return SENTENCE.exec(text?.slice(0, SENTENCE_SEEN) ?? '')?.[1];
}

function capabilitiesOf({ catalog }: Rules, services: Iterable<string>): readonly string[] {
  const named = [...services].flatMap((name) => catalog.services.get(name)?.capability ?? []);
  return [...new Set(named)];
}

function mostOf(
  counts: ReadonlyMap<string, number>,
  shown: number,
): readonly (readonly [string, number])[] {
  return [...counts]
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, shown);
}

/** Fewer firings are a failure, and one that came back. */
const COMES_AND_GOES_MIN = 3;

/** Its firings are remembered for hours: the penalty tells whether they were lately. */
function comesAndGoes(
  lead: Alert | undefined,
  rules: Rules,
  now: Instant,
): MessageView['flapping'] {
  if (lead?.flap === undefined || lead.status !== 'firing') return undefined;
  const rule = rules.flap(subjectOf(lead));
  if (rule === undefined || lead.episodes < COMES_AND_GOES_MIN) return undefined;
  if (penaltyAt(lead, rule, now) <= rule.reuse) return undefined;
  return { alerts: 1, episodes: lead.episodes, isDamped: false };
}

function episodesOf(state: LaneState, incident: Incident): number {
  let looked = 0;
  let most = 0;
  for (const { episodes } of alertsOf(state, incident.id)) {
    most = Math.max(most, episodes);
    if (++looked >= LOOKED_THROUGH_MAX) break;
  }
  return most;
}

function heartbeatView(state: LaneState, incident: Incident): MessageView['heartbeat'] {
  const name = readKey(incident.group ?? '').name;
  return { name, lastSeenAt: state.heartbeats.get(name)?.lastSeenAt };
}

function emojiOf({ gestures }: Rules): MessageView['emoji'] {
  const first: Partial<Record<Gesture, string>> = {};
  for (const [emoji, gesture] of gestures) first[gesture] ??= emoji;
  return first;
}
