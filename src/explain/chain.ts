/**
 * The whole chain of one alert or incident, in order of time: what was decided, and what the records
 * say besides: received, held until, routed by, updated. Pure.
 */
import {
  type Alert,
  BEGINNINGS,
  type Decision,
  type Incident,
  type Instant,
  type People,
  type Reason,
} from '../model.ts';
import { severityWord, times } from '../slack/words.ts';
import { describeDecision, heldFor, momentInWords, ruleInWords, type TitleOf } from './words.ts';

/** What no decision says by itself. */
type Derived = 'received' | 'repeated' | 'held' | 'routed' | 'updated';

/** Deliveries that said of one firing that it goes on, the first included. */
export interface Heard {
  readonly times: number;
  readonly lastAt: Instant;
  /** False: there were more than were looked at. */
  readonly isAll: boolean;
}

export interface Step {
  readonly at: Instant;
  readonly reason: Reason | Derived;
  readonly text: string;
  readonly fingerprint: string | undefined;
  readonly service: string | undefined;
}

interface ChainOf {
  /** Undefined for the chain of an incident. */
  readonly alert: Alert | undefined;
  readonly incident: Incident | undefined;
  /** Undefined when that is not known. */
  readonly heard: Heard | undefined;
  /** Oldest first. */
  readonly decisions: readonly Decision[];
  readonly titles: TitleOf;
  /** Slack user id -> name. */
  readonly people: People;
  readonly now: Instant;
}

export function chainOf(about: ChainOf): readonly Step[] {
  const { alert, decisions } = about;
  const lastBegin = decisions.findLast(
    ({ reason, fingerprint }) =>
      BEGINNINGS.has(reason) && alert !== undefined && fingerprint === alert.fingerprint,
  );
  const steps = decisions.flatMap((decision) => [
    ...received(about, decision, decision === lastBegin),
    step(decision, decision.reason, named(describeDecision(decision, about.titles), about.people)),
    ...(decision === lastBegin ? held(about, decision) : []),
    ...routed(about, decision),
  ]);
  // Stable: what happened at one instant stays in order.
  return [...steps, ...repeated(about), ...updated(about)].sort((one, other) => one.at - other.at);
}

const MUTINGS: ReadonlySet<Reason> = new Set(['silenced', 'inhibited']);

function step(
  about: Pick<Decision, 'at' | 'fingerprint' | 'service'>,
  reason: Step['reason'],
  text: string,
): Step {
  const { at, fingerprint, service } = about;
  return { at, reason, text, fingerprint, service };
}

/** What the clock brought, as the end of a silence, was not received then. */
function received({ alert, now }: ChainOf, decision: Decision, isLast: boolean): readonly Step[] {
  const { reason, fingerprint, delivery, at } = decision;
  if (alert === undefined || fingerprint !== alert.fingerprint) return [];
  if (!BEGINNINGS.has(reason) || delivery === undefined) return [];
  const since =
    isLast && Math.abs(alert.startsAt - at) >= 1_000
      ? `; by the clock of its source it began at ${momentInWords(alert.startsAt, now)}`
      : '';
  return [
    step(decision, 'received', `received from ${alert.source} (delivery ${delivery})${since}`),
  ];
}

/** As long as nobody was told of its incident: after that, what fires shows in the message. */
function held({ alert, incident, now }: ChainOf, decision: Decision): readonly Step[] {
  if (alert === undefined || alert.muted !== undefined || MUTINGS.has(decision.reason)) return [];
  if (incident?.toldAt !== undefined && incident.toldAt < decision.at) return [];
  const { heldUntil, since, holdRule, holdWhy, facts, flap } = alert;
  const builtIn = `built-in hold of ${severityWord(facts.severity)}`;
  const rule = ruleInWords({ rule: holdRule, why: holdWhy }, builtIn);
  if (heldUntil <= since) return [step(decision, 'held', `not held${rule}`)];
  const flapping = flap?.flapping === true ? ', because it flaps' : '';
  const text = `held until ${momentInWords(heldUntil, now)}, for ${heldFor(alert)}${flapping}${rule}`;
  return [step(decision, 'held', text)];
}

function routed({ incident }: ChainOf, decision: Decision): readonly Step[] {
  if (decision.reason !== 'told' || incident?.id !== decision.incident) return [];
  if (incident?.route === undefined || incident.toldIn !== 'message') return [];
  const { channel, rule, why } = incident.route;
  const by = rule === 'built-in' ? ruleInWords({ rule, why }, 'built-in route') : ` by ${rule}`;
  const because = why === undefined ? '' : `: ${why.trim()}`;
  return [step(decision, 'routed', `routed to ${channel}${by}${because}`)];
}

/** Decisions do not tell of repeats. */
function repeated({ alert, heard }: ChainOf): readonly Step[] {
  if (alert === undefined || heard === undefined || heard.times < 2) return [];
  const least = heard.isAll ? '' : 'at least ';
  const text = `received again: a repeat of the same firing, heard ${least}${times(heard.times)} so far; repeats are told to nobody`;
  const { fingerprint, facts } = alert;
  return [{ at: heard.lastAt, reason: 'repeated', text, fingerprint, service: facts.service }];
}

function updated({ incident }: ChainOf): readonly Step[] {
  if (incident?.updated === undefined) return [];
  const { times: often, at } = incident.updated;
  const text = `the message was updated (${times(often)} so far)`;
  return [{ at, reason: 'updated', text, fingerprint: undefined, service: undefined }];
}

/** Ids of people are names where somebody knows them. */
export function named(text: string, people: People): string {
  return text.replaceAll(/\b[UW][A-Z0-9]{2,20}\b/g, (id) => people.get(id) ?? id);
}
