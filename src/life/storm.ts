/**
 * A storm: more new alerts than people can read, that correlation cannot bring down to a few
 * incidents. One message then stands for all of them. Alerts go on being grouped, resolved and
 * counted; who answers for what is critical at tier 1 is called in its thread.
 *
 * When alerts come within seconds of each other, nobody can know at first whether it is one failure, two, or a
 * storm, and each beginning would be told. So the first message waits for some seconds, and says more. What comes by
 * itself does not wait.
 */
import { BESIDE, type Incident, type Instant } from '../model.ts';
import type { Storm } from '../state/small-records.ts';
import { STORM_KEY } from '../state/keys.ts';
import { createLately, useLately } from '../state/lately.ts';
import { markLately, putStorm } from '../state/state.ts';
import { schedule } from '../state/timers.ts';
import { change, note, type Turn } from '../state/turn.ts';
import { armEscalation } from './escalation.ts';
import { openIncident } from './open.ts';
import { show, touch, endOwn } from './show.ts';
import { leadOf, nobody, subjectOfIncident } from './lead.ts';
import { orderReply } from './reply.ts';
import { severityRank } from '../state/tally.ts';

const LATELY_MS = 60_000;
/** What came in a burst is told when it has outlasted its hold: so long the burst is remembered. */
const BURST_MEMORY_MS = 4 * 60_000;
/** Messages within a minute that people can still read. */
const TELLINGS_BEARABLE = 2;
/** What makes a storm within a minute came within this: there is no doubt. */
const SUDDEN_MS = 20_000;
/** An incident that would begin a storm waits for so long: most turn out to belong to what was told just before. */
const STORM_WAIT_MS = 10_000;
/** Its message does not stand for longer than this. */
const STORM_MAX_MS = 3 * 60 * 60_000;
/** What a flood brings along comes within this of its last minute. */
const AFTERMATH_MS = 30 * 60_000;
/** Of the new alerts of a rush, one after the other. */
const RUSH_APART_MS = 2_000;
const RUSH_MIN = 5;
const RUSH_WAIT_MAX_MS = 10_000;
/** Under which it is remembered that the incident was named: no reply is of this kind. */
const NAMED = 'in-storm';

export function countEpisode(turn: Turn): void {
  const { lately } = turn.state;
  const { episodes } = lately;
  episodes.push(turn.now);
  markLately(turn.state);
  trim(episodes, turn.now);
  // As many as make a storm are enough to know: more would only cost memory.
  const { perMinute } = turn.rules.storm;
  if (episodes.length > perMinute) episodes.shift();
  if (episodes.length >= perMinute) lately.burstAt = turn.now;
}

export function countTelling({ state, now }: Turn, { id }: Incident): void {
  const { tellings } = state.lately;
  tellings.push({ at: now, incident: id });
  if (tellings.length > TELLINGS_BEARABLE) tellings.shift();
  markLately(state);
}

/** When the incident's first message may be sent; undefined: now, or it has one. */
export function tellableAt(turn: Turn, incident: Incident): Instant | undefined {
  if (incident.phase !== 'gathering') return undefined;
  return rushUntil(turn) ?? stormUntil(turn, incident);
}

/** Asks for the newest alerts only, at most as many as make a storm. */
function rushUntil({ state, rules, now }: Turn): Instant | undefined {
  const { storm } = state;
  const { episodes } = state.lately;
  const last = episodes.at(-1);
  if (last === undefined || now - last > RUSH_APART_MS || storm !== undefined || !rules.storm.on)
    return undefined;
  let first = last;
  let alerts = 0;
  for (let index = episodes.length - 1; index >= 0; index--) {
    const at = episodes[index] ?? 0;
    if (first - at > RUSH_APART_MS) break;
    first = at;
    alerts++;
  }
  // As many as that are a storm, or are not: waiting tells nothing new.
  if (alerts < RUSH_MIN || alerts >= rules.storm.perMinute) return undefined;
  const until = Math.min(first + RUSH_WAIT_MAX_MS, last + RUSH_APART_MS + 1);
  return until > now ? until : undefined;
}

/** Until when an incident that would begin a storm waits; the same instant for all of them. Undefined: it need not. */
function stormUntil(turn: Turn, incident: Incident): Instant | undefined {
  const { state, now } = turn;
  if (!turn.rules.storm.on || state.storm !== undefined || !isStormy(turn, incident))
    return undefined;
  const { lately } = state;
  if (lately.stormSeenAt === undefined || now - lately.stormSeenAt > BURST_MEMORY_MS) {
    lately.stormSeenAt = now;
    markLately(state);
  }
  const until = lately.stormSeenAt + STORM_WAIT_MS;
  return until > now ? until : undefined;
}

/** The same, where others wait already. Cheap, so that nothing else about the incident need be found out before. */
export function waitingUntil(turn: Turn, incident: Incident): Instant | undefined {
  const { stormSeenAt } = turn.state.lately;
  if (incident.phase !== 'gathering') return undefined;
  if (stormSeenAt === undefined || turn.now >= stormSeenAt + STORM_WAIT_MS) return undefined;
  return stormUntil(turn, incident);
}

/** True when the storm's message tells of the incident too. May begin a storm. */
export function joinsStorm(turn: Turn, incident: Incident): boolean {
  if (!turn.rules.storm.on) return false;
  const { state } = turn;
  if (state.storm === undefined && !isStormy(turn, incident)) return false;
  if (state.storm !== undefined && isAfterFlood(turn, state.storm, incident)) return false;
  const storm = state.storm ?? begin(turn, incident.environment);
  if (incident.toldIn === 'storm') return true;
  const counted = storm.counted + 1;
  putStorm(state, { ...storm, counted });
  const parent = state.incidents.get(storm.incident);
  const standsFor = counted + storm.before.length;
  if (parent !== undefined) touch(turn, change(turn, parent, { standsFor }));
  return true;
}

/**
 * It has just become part of the storm, or changed in it. The message goes on counting it; what is critical at
 * tier 1 is not lost in the count: it is named in the thread once, and whoever answers for it is called.
 */
export function tellInStorm(turn: Turn, incident: Incident): Incident {
  const { state, rules, now } = turn;
  const storm = state.incidents.get(state.storm?.incident ?? '');
  if (storm === undefined || storm.phase === 'resolved') return incident;
  const parent = touch(turn, storm);
  if (incident.severity !== 'critical' || incident.repliedAt[NAMED] !== undefined) return incident;
  const lead = leadOf(state, incident);
  if (lead === undefined || rules.catalog.services.get(lead.facts.service)?.tier !== 1)
    return incident;
  const route = rules.route(subjectOfIncident(lead, incident));
  if (route.urgency !== 'post') return incident;
  const { service, name } = lead.facts;
  const because = `${BESIDE}${parent.id}`;
  note(turn, 'told', { incident: incident.id, service, because, rule: route.rule, why: route.why });
  nameIn(turn, parent, { incident, service, name, callable: route.mention });
  return change(turn, incident, { repliedAt: { ...incident.repliedAt, [NAMED]: now } });
}

interface Named {
  readonly incident: Incident;
  readonly service: string;
  readonly name: string;
  readonly callable: readonly string[];
}

function nameIn(turn: Turn, storm: Incident, { incident, callable, ...about }: Named): void {
  const called = storm.route?.mention ?? [];
  const mention = callable.filter((id) => !called.includes(id));
  const route = storm.route && { ...storm.route, mention: [...called, ...mention] };
  const { id, severity } = incident;
  const line = { kind: 'beside', incident: id, severity, ...about, mention } as const;
  orderReply(turn, change(turn, storm, { route }), line);
}

/**
 * The storm goes on only because what it told of does. What begins long after alerts ceased to pour in is another
 * failure.
 */
function isAfterFlood(
  { state }: Turn,
  { since }: Storm,
  { gatheredAt, toldIn }: Incident,
): boolean {
  const lastAt = Math.max(since, state.lately.burstAt ?? since);
  return toldIn !== 'storm' && gatheredAt - lastAt > AFTERMATH_MS;
}

function isStormy(turn: Turn, incident: Incident): boolean {
  const { burstAt, tellings } = turn.state.lately;
  if (burstAt === undefined || turn.now - burstAt > BURST_MEMORY_MS) return false;
  while ((tellings[0]?.at ?? turn.now) < turn.now - LATELY_MS) tellings.shift();
  return tellings.length >= TELLINGS_BEARABLE || isSudden(turn, incident);
}

/**
 * So many came so suddenly that a second message would be one too many; or the first one, if it has less than half
 * of them.
 */
function isSudden({ state, rules, now }: Turn, { id }: Incident): boolean {
  const { episodes, tellings } = state.lately;
  const { perMinute } = rules.storm;
  const [first] = episodes;
  if (episodes.length < perMinute || first === undefined || now - first > SUDDEN_MS) return false;
  return tellings.length > 0 || (state.members.get(id)?.size ?? 0) < perMinute / 2;
}

/** Looks whether the storm is over. True: it ended now, and what outlasted it is to be told. */
export function reviewStorm(turn: Turn): boolean {
  const { storm } = turn.state;
  if (storm === undefined) return false;
  trim(turn.state.lately.episodes, turn.now);
  if (isRough(turn, storm)) putStorm(turn.state, { ...storm, roughAt: turn.now });
  const calmAt = (turn.state.storm?.roughAt ?? turn.now) + turn.rules.storm.calmMs;
  if (turn.now < calmAt) {
    scheduleStorm(turn, calmAt);
    return false;
  }
  end(turn, storm);
  return true;
}

/** Of the incidents of a storm the worst first, then the earliest. */
export function isWorse(one: Incident, other: Incident): boolean {
  const milder = severityRank(one.severity) - severityRank(other.severity);
  return (milder || one.gatheredAt - other.gatheredAt || (one.id < other.id ? -1 : 1)) < 0;
}

/** When it is looked at next: each minute from its beginning, whoever looks. */
export function scheduleStorm({ state, now }: Turn, calmAt: Instant): void {
  const { since } = state.storm ?? { since: now };
  const looks = Math.floor((now - since) / LATELY_MS) + 1;
  schedule(state.timers, STORM_KEY, Math.min(calmAt, since + looks * LATELY_MS));
}

/**
 * New alerts still come fast; or they do not because everything is broken by now, and a message for each incident
 * that goes on would be the storm again.
 */
function isRough({ state, rules, now }: Turn, storm: Storm): boolean {
  if (state.lately.episodes.length >= rules.storm.perMinute / 2) return true;
  return state.stormed.size > TELLINGS_BEARABLE && now - storm.since < STORM_MAX_MS;
}

/** Its incident is of no environment. It is told where the incident that began it would be told. */
function begin(turn: Turn, environment: string): Storm {
  const { state, now } = turn;
  const subject = nobody({ environment: '', severity: 'critical' });
  const route = turn.rules.route(nobody({ environment, severity: 'critical' }));
  const incident = openIncident(
    state,
    'storm',
    now,
    { startsAt: now, facts: subject.facts },
    {
      special: 'storm',
      phase: 'open',
      toldAt: now,
      toldBecause: `${state.lately.episodes.length} new alerts within a minute`,
      toldIn: 'message',
      route,
    },
  );
  note(turn, 'storm-began', {
    incident: incident.id,
    because: incident.toldBecause,
    rule: route.rule,
  });
  const before = state.lately.tellings.map((telling) => telling.incident);
  const storm = { incident: incident.id, since: now, roughAt: now, counted: 0, before };
  putStorm(state, storm);
  scheduleStorm(turn, Number.POSITIVE_INFINITY);
  show(turn, armEscalation(turn, incident));
  return storm;
}

function end(turn: Turn, storm: Storm): void {
  const { state } = turn;
  putStorm(state, undefined);
  const parent = state.incidents.get(storm.incident);
  note(turn, 'storm-ended', {
    incident: storm.incident,
    because: `it stood for ${storm.counted} incidents`,
  });
  if (parent !== undefined) endOwn(turn, parent);
  useLately(state.lately, createLately());
  markLately(state);
}

function trim(instants: Instant[], now: Instant): void {
  let outdated = 0;
  while (outdated < instants.length && (instants[outdated] ?? now) < now - LATELY_MS) outdated++;
  if (outdated > 0) instants.splice(0, outdated);
}
