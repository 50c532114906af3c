/**
 * People were told of an incident, and now it is more severe, has another likely cause, or fires again. Its message
 * stays where it is. Whoever its route calls now is called in the thread, or in the channel that the route names
 * now, and has as long to answer as the route says. Otherwise those who are to be woken by what is critical would
 * sleep through what began as a warning.
 */
import type { Incident, Reply, RouteDecision } from '../model.ts';
import { severityRank } from '../state/tally.ts';
import { change, orderMessage, type Turn, noteIncident } from '../state/turn.ts';
import { isQuiet, isTooSoon, orderReply, thereKey } from './reply.ts';
import { armEscalation } from './escalation.ts';
import { leadOf, subjectOfIncident } from './lead.ts';
import { touch } from './show.ts';

export interface Called {
  readonly incident: Incident;
  /** Slack ids. */
  readonly mention: readonly string[];
  /** The channel where its route would tell it by now, when that is another one and nothing was said there yet. */
  readonly there: string | undefined;
}

const NOBODY = { mention: [], there: undefined } as const;

/** Whoever was just told expects more to come: what joins this soon only shows in the message. */
const NEWS_AFTER_MS = 60_000;

/**
 * What deserves a ping goes to the thread; the message shows everything. `service`: of the alert that came;
 * `isNew`: it is the service's first.
 */
export function tellMore(turn: Turn, incident: Incident, service: string, isNew: boolean): void {
  // No silence matches it: the quiet was for what fired until now.
  let told = incident.snoozed?.silence === undefined ? incident : listenAgain(turn, incident);
  if (severityRank(told.severity) < severityRank(told.worstTold))
    told = tellRise(turn, told, service);
  if (isNew) told = tellJoined(turn, told, service);
  touch(turn, told);
}

/** It is worse than all before, by an alert of `service`. Nobody asked for quiet about that, so quiet is over. */
function tellRise(turn: Turn, incident: Incident, service: string): Incident {
  const { worstTold: from, severity: to } = incident;
  const heard = isQuiet(incident, turn.now) ? listenAgain(turn, incident) : incident;
  const loud = change(turn, heard, { worstTold: to });
  const news = { kind: 'severity-rose', from, to, service } as const;
  const called = callMore(turn, loud, `${to} now, was ${from}`, news);
  if (isYetToBeSaid(turn, called.incident)) return called.incident;
  return say(turn, called, news);
}

/** Nobody was called meanwhile: the time to answer begins now. */
function listenAgain(turn: Turn, incident: Incident): Incident {
  return armEscalation(turn, change(turn, incident, { snoozed: undefined }));
}

function tellJoined(turn: Turn, incident: Incident, service: string): Incident {
  // Whom its route calls by now hears of it when the quiet is over.
  if (isQuiet(incident, turn.now)) return incident;
  const cause = incident.roots[0]?.service ?? service;
  const news = { kind: 'service-joined', services: [service] } as const;
  const called = callMore(turn, incident, `the likely cause is ${cause} now`, news);
  const isExpected = turn.now - (incident.toldAt ?? turn.now) < NEWS_AFTER_MS;
  if (isExpected && called.mention.length === 0 && called.there === undefined)
    return called.incident;
  if (isYetToBeSaid(turn, called.incident)) return called.incident;
  return say(turn, called, news, isExpected);
}

/** Calls those whom its route did not call before. `because`: what is worse; `news`: how `say` will say it. */
export function callMore(turn: Turn, incident: Incident, because: string, news: News): Called {
  const { route } = incident;
  const now = routeNow(turn, incident);
  if (route === undefined || now?.urgency !== 'post') return { incident, ...NOBODY };
  const known = calledBefore(incident, route);
  const mention = now.mention.filter((id) => !known.includes(id));
  const escalate = planOf(incident, now.escalate, known) ?? route.escalate;
  const isOtherPlan = !isSamePlan(escalate, route.escalate);
  const there = isNewsIn(incident, now.channel) ? now.channel : undefined;
  if (mention.length === 0 && !isOtherPlan && there === undefined) return { incident, ...NOBODY };
  const said = inWords(turn, incident, { news, mention, there });
  noteIncident(turn, 'worsened', incident, `${because}${said}`, { rule: now.rule, why: now.why });
  // Nothing was said yet: then it is told where it is told by now.
  const channel = isYetToBeSaid(turn, incident) ? now.channel : route.channel;
  const all = [...known, ...mention];
  const changed = change(turn, incident, { route: { ...route, channel, mention: all, escalate } });
  if (channel !== route.channel) orderMessage(turn, changed);
  if (!isOtherPlan) return { incident: changed, mention, there };
  return { incident: replan(turn, changed, mention.length > 0), mention, there };
}

/** Whom one escalation called, no other calls. */
function planOf(
  { escalated }: Incident,
  plan: RouteDecision['escalate'],
  known: readonly string[],
): RouteDecision['escalate'] {
  const isDone = escalated > 0 && mentionOf(plan).every((id) => known.includes(id));
  return isDone ? undefined : plan;
}

/**
 * Whoever is called now has as long to answer as the route says. Where nobody else is, the time that began goes
 * on, or causes that take turns would put it off for ever.
 */
function replan(turn: Turn, incident: Incident, isAnew: boolean): Incident {
  const { escalateAt } = incident;
  const armed = armEscalation(turn, incident);
  if (isAnew || escalateAt === undefined || armed.escalateAt === undefined) return armed;
  return change(turn, armed, { escalateAt: Math.min(escalateAt, armed.escalateAt) });
}

function calledBefore({ escalated }: Incident, route: RouteDecision): readonly string[] {
  return escalated > 0 ? [...route.mention, ...mentionOf(route.escalate)] : route.mention;
}

/** What comes of it, as `say` will do it. */
function inWords(
  turn: Turn,
  incident: Incident,
  { news, mention, there }: Omit<Called, 'incident'> & { readonly news: News },
): string {
  const said = there === undefined ? '' : `; said in ${there}`;
  if (mention.length === 0) return said;
  const isLeftOut = there === undefined && isTooSoon(turn, incident, { ...news, mention });
  if (isLeftOut && !isYetToBeSaid(turn, incident))
    return '; that was said a moment ago, so nobody is called again';
  return `; ${mention.join(', ')} called${said}`;
}

/** It was over and fires again: whom its route calls by now is called anew, and nobody else. */
export function callAgain(turn: Turn, incident: Incident): Called {
  const now = routeNow(turn, incident);
  if (incident.route === undefined || now === undefined) return { incident, ...NOBODY };
  // What is left for the digest has no message that could call anybody.
  const isLoud = now.urgency === 'post' && incident.route.urgency === 'post';
  const mention = isLoud ? now.mention : [];
  const escalate = isLoud ? now.escalate : undefined;
  const route = { ...incident.route, mention, escalate };
  return { incident: change(turn, incident, { route, escalated: 0 }), mention, there: undefined };
}

type News = Of<Extract<Reply, { kind: 'severity-rose' | 'service-joined' | 'silence-over' }>>;
type Of<One> = One extends Reply ? Omit<One, 'mention'> : never;

/**
 * In the thread; and where its route leads by now, which is where those read whom it calls. `isExpected`: the
 * thread need not say it.
 */
export function say(
  turn: Turn,
  { incident, mention, there }: Called,
  news: News,
  isExpected = false,
): Incident {
  if (there === undefined) return orderReply(turn, incident, { ...news, mention });
  const said = isExpected ? incident : orderReply(turn, incident, { ...news, mention: [] });
  const messageIn = said.route?.channel ?? '';
  return orderReply(turn, said, { ...news, mention, there: { channel: there, messageIn } });
}

/**
 * It was told at this instant and has no message yet: that message will say everything. A second delivery in the
 * same millisecond may find the message on its way, hence `toldNow`.
 */
export function isYetToBeSaid({ now, state }: Turn, incident: Incident): boolean {
  const { id, toldAt, message } = incident;
  return message === undefined && toldAt === now && state.toldNow.has(id);
}

/** Of each channel once: causes come and go. */
function isNewsIn({ route, repliedAt }: Incident, channel: string): boolean {
  return route?.channel !== channel && repliedAt[thereKey(channel)] === undefined;
}

/** Undefined: Quell's own, such as a storm. */
function routeNow(turn: Turn, incident: Incident): RouteDecision | undefined {
  const lead = incident.special === undefined ? leadOf(turn.state, incident) : undefined;
  // What was worth a message is by now, too, when less of it fails.
  const several = incident.toldIn === 'message';
  return lead && turn.rules.route(subjectOfIncident(lead, incident, several));
}

function isSamePlan(one: RouteDecision['escalate'], other: RouteDecision['escalate']): boolean {
  return one?.afterMs === other?.afterMs && mentionOf(one).join() === mentionOf(other).join();
}

function mentionOf(plan: RouteDecision['escalate']): readonly string[] {
  return plan?.mention ?? [];
}
