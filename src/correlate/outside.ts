/**
 * One cause outside the catalog: a payment provider, the name service, a network.
 *
 * Three services without a path between them hardly begin to fail in the same way within 90 seconds by chance; nor
 * do two whose alerts name the same host that is none of ours. Asked just before a message is posted, so that what
 * is over by then moves nothing.
 */
import { alikeAt, alikeBefore, noteAlike, noteCarrier } from '../state/alike-index.ts';
import { likelyCause } from '../life/lead.ts';
import type { Alert, Incident } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { incidentOf, tallyOf } from '../state/state.ts';
import { isBefore } from '../state/past.ts';
import { isMild, serviceOfCheck } from '../state/tally.ts';
import type { Steps } from '../state/timers.ts';
import type { Turn } from '../state/turn.ts';
import { rememberCommon } from './common.ts';
import { byNature, byPeer, type Match, matchOf } from './evidence.ts';
import { callersOf, isInGraph } from './graph.ts';
import { isToldThere, mayGuess, takesGuess } from './may.ts';
import { peersOf } from './peers.ts';
import { WEIGHED_MAX } from './root.ts';

const ALIKE_MS = 90_000;
/** Fewer that merely fail in the same way may be a coincidence. */
const ALIKE_MIN = 3;
/** A failure tells within this what links it to others: before, time says less than what may still come. */
const SETTLED_MS = 2 * 60_000;
/** Checks of the likely cause that are asked about. */
const CHECKS_MAX = 8;

/** It begins to fire: those that follow are compared with it. */
export function rememberNature(turn: Turn, alert: Alert): void {
  // Nothing is compared in a storm, and that is when much comes.
  if (turn.state.storm === undefined) noteNature(turn, alert);
}

function noteNature({ state, rules }: Turn, alert: Alert): void {
  const { facts, fingerprint, startsAt: at } = alert;
  if (isMild(facts.severity) || alert.flap?.flapping === true) return;
  noteAlike(state.alikeLately, keyOf(alert, facts.name), { fingerprint, at });
  for (const peer of peersOf(alert, rules.catalog)) {
    if (noteCarrier(state.alikeLately, peer, facts.service)) rememberCommon(state, peer, at);
    noteAlike(state.alikeLately, peerKey(alert, peer), { fingerprint, at });
  }
}

/**
 * After a start: the alerts in the store are remembered, so that later ones are compared with them as if there had
 * been no restart.
 */
export function* recallNature(turn: Turn): Steps {
  const { alikeLately, alerts, storm } = turn.state;
  alikeLately.rows.clear();
  alikeLately.carriers.clear();
  for (const alert of alerts.values()) {
    yield;
    const isStormed = storm !== undefined && alert.since >= storm.since;
    if (!isStormed && alert.muted === undefined) noteNature(turn, alert);
  }
}

/** Whom several clusters call is the same for all of them. */
function peerKey({ facts }: Alert, peer: string): string {
  return `${facts.environment}\npeer\n${peer}`;
}

function keyOf({ facts, labels }: Alert, name: string): string {
  return `${facts.environment}\n${labels['cluster'] ?? ''}\n${name}`;
}

/** All that fails like the incident's likely cause, and nothing links to it; none, if too few do. */
export function alikeWith(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): readonly Match[] {
  if (!mayGuess(turn, incident, speaker, rule)) return [];
  const cause = likelyCause(incident, speaker);
  const found = new Map<string, Match>();
  for (const own of ofCause(turn, incident, speaker, cause)) {
    // The name last: it says more.
    for (const match of failingLike(turn, incident, own)) found.set(match.incident.id, match);
    for (const match of namingIt(turn, incident, own)) found.set(match.incident.id, match);
  }
  if (found.size > WEIGHED_MAX) return [];
  return [...found.values()].filter((match) => isToldThere(turn, match.incident, speaker));
}

/**
 * What fails in the same way, if three do, or more where that happens all the time. Only for a cause in the graph:
 * elsewhere time alone joins more (group.ts).
 */
function failingLike(turn: Turn, incident: Incident, own: Alert): readonly Match[] {
  if (turn.now - own.startsAt < SETTLED_MS || !isInGraph(turn.rules.catalog, own.facts.service))
    return [];
  const key = keyOf(own, own.facts.name);
  const alike = [...alikeBy(turn, incident, own, key)];
  const heads = alike.flatMap(({ alert, other }) =>
    isHead(turn, other, alert) ? [alert.facts.service] : [],
  );
  const usual = alikeBefore(turn.state.alikeLately, key, own.startsAt, ALIKE_MS);
  if (unshared(turn, [own.facts.service, ...heads]) < ALIKE_MIN + usual) return [];
  return alike.map(({ alert, other }) => {
    const apartMs = apartBy(own, alert);
    return matchOf('time', other, byNature(own.facts.name, alert.facts.service, apartMs), apartMs);
  });
}

/** How many groups they make, when services that share a dependency are one group: that may be the silent cause. */
function unshared({ rules: { catalog } }: Turn, services: readonly string[]): number {
  let parts: readonly (readonly string[])[] = [];
  for (const service of services) {
    const own = [service, ...(catalog.services.get(service)?.dependsOn ?? [])];
    const overlaps = (part: readonly string[]) => part.some((name) => own.includes(name));
    const joined = parts.filter(overlaps);
    parts = [...parts.filter((part) => !overlaps(part)), [...own, ...joined.flat()]];
  }
  return parts.length;
}

/**
 * It is its incident's likely cause, or not explained by that. A caller of the cause fails in the same way only
 * because of it.
 */
function isHead({ rules }: Turn, incident: Incident, alert: Alert): boolean {
  const cause = likelyCause(incident, alert);
  const { service } = alert.facts;
  return service === cause || !callersOf(rules, cause).has(service);
}

/** The alerts of the likely cause that go on, one for each check. */
function ofCause(turn: Turn, { id }: Incident, speaker: Alert, cause: string): readonly Alert[] {
  const { state } = turn;
  const alerts = new Map<string, Alert>();
  if (speaker.facts.service === cause) alerts.set(speaker.facts.name, speaker);
  for (const key of tallyOf(state, id).checks.keys()) {
    if (alerts.size >= CHECKS_MAX) break;
    const name = key.slice(cause.length + 1);
    if (serviceOfCheck(key) !== cause || alerts.has(name)) continue;
    for (const { fingerprint } of state.alikeLately.rows.get(keyOf(speaker, name)) ?? []) {
      const alert = state.alerts.get(fingerprint);
      if (alert?.incident !== id || alert.facts.service !== cause) continue;
      const known = alerts.get(name);
      if (known === undefined || isBefore(alert, known)) alerts.set(name, alert);
    }
  }
  return [...alerts.values()];
}

interface Alike {
  readonly alert: Alert;
  readonly other: Incident;
}

/** What began with it and names what it names, too; nothing, where everybody names that. */
function* namingIt(turn: Turn, incident: Incident, own: Alert): Iterable<Match> {
  const { state, rules } = turn;
  for (const peer of peersOf(own, rules.catalog)) {
    if (state.commonNames.has(peer)) continue;
    for (const { alert, other } of alikeBy(turn, incident, own, peerKey(own, peer))) {
      const apartMs = apartBy(own, alert);
      yield matchOf('time', other, byPeer(peer, alert.facts.service, apartMs), apartMs);
    }
  }
}

function* alikeBy(turn: Turn, incident: Incident, own: Alert, key: string): Iterable<Alike> {
  const { state } = turn;
  for (const fingerprint of alikeAt(state.alikeLately, key, own.startsAt, ALIKE_MS)) {
    const alert = state.alerts.get(fingerprint);
    const other = alert === undefined ? undefined : incidentOf(state, alert);
    if (alert?.status !== 'firing' || other === undefined || other.id === incident.id) continue;
    if (other.resolvedAt === undefined && takesGuess(turn, other)) yield { alert, other };
  }
}

function apartBy(one: Alert, other: Alert): number {
  return Math.abs(one.startsAt - other.startsAt);
}
