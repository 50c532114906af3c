/**
 * Evidence along the dependency graph. An alert joins as an effect of the incident's likely root, or as a deeper
 * cause. A sideways neighbour (something else that a mere symptom also depends on) does not join, unless it
 * explains nearly all that fails there.
 */
import { idsAt } from '../state/id-index.ts';
import type { Facts, Incident } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state/state.ts';
import { saysTooFewCome } from '../state/starved.ts';
import type { Tally } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { byPath, type Match } from './evidence.ts';
import { callersOf, type Near, nearby } from './graph.ts';
import { gathers, isOpenTo, isStraggler } from './may.ts';
import { placedRoot, WEIGHED_MAX } from './root.ts';

/** A cause from beside the likely root leaves at most this share of the incident's weight unexplained. */
const UNEXPLAINED_MAX = 0.2;
/** A service with more against it than one warning did not merely pass by. */
const BLIP_MAX = 1;

/** The nearest way to each incident. `proven`: the alert has outlasted its hold. */
export function dependency(
  turn: Turn,
  facts: Facts,
  rule: CorrelateRule,
  proven: boolean,
): Match[] {
  const { state, now, rules } = turn;
  const best = new Map<string, Match>();
  for (const near of nearby(rules, facts.service, rule.maxHops)) {
    for (const id of idsAt(state.byService, facts.environment, near.service)) {
      const incident = state.incidents.get(id);
      if (incident === undefined || best.has(id) || !isOpenTo(incident, rule, now)) continue;
      const there = tallyOf(state, id).services.get(near.service);
      if (!proven && there !== undefined && isStraggler(facts, there, rule, now)) continue;
      const match = alongPath(turn, facts, rule, near, incident);
      if (match !== undefined) best.set(incident.id, match);
    }
  }
  return [...best.values()];
}

/** Incidents whose likely root depends on `root`, and in which something that does so began to fire lately. */
export function effectsOf(
  turn: Turn,
  incident: Incident,
  root: string,
  rule: CorrelateRule,
): readonly Match[] {
  const { state, now, rules } = turn;
  const matches = new Map<string, Match>();
  for (const near of nearby(rules, root, rule.maxHops)) {
    if (near.side !== 'effect') continue;
    for (const id of idsAt(state.byService, incident.environment, near.service)) {
      const other = state.incidents.get(id);
      if (other === undefined || id === incident.id || matches.has(id)) continue;
      if (other.resolvedAt !== undefined || !isOpenTo(other, rule, now)) continue;
      const match = alongPath(
        turn,
        { service: root, severity: incident.severity },
        rule,
        near,
        other,
      );
      if (match !== undefined) matches.set(id, match);
    }
  }
  return [...matches.values()];
}

function alongPath(
  turn: Turn,
  { service, severity, name }: Pick<Facts, 'service' | 'severity'> & Partial<Pick<Facts, 'name'>>,
  rule: CorrelateRule,
  near: Near,
  incident: Incident,
): Match | undefined {
  const tally = tallyOf(turn.state, incident.id);
  const there = tally.services.get(near.service);
  if (there === undefined || there.firing === 0) return undefined;
  if (!gathers(incident, tally, severity)) return undefined;
  if (turn.now - there.lastSince > rule.windowMs) return undefined;
  const between = near.path.slice(1, -1);
  if (between.filter((name) => !tally.services.has(name)).length > rule.silent) return undefined;
  const explains = explainsIt(turn, { service, name }, near, incident, tally);
  if (explains === undefined) return undefined;
  const apartMs = turn.now - there.lastSince;
  const because = byPath(near.path, apartMs);
  return {
    incident,
    evidence: 'dependency',
    because,
    explains,
    hops: near.hops,
    apartMs,
  };
}

/** Whether an alert of the service explains the incident, or is an effect of it; undefined where it is neither. */
function explainsIt(
  turn: Turn,
  { service, name }: { readonly service: string; readonly name: string | undefined },
  near: Near,
  incident: Incident,
  tally: Tally,
): boolean | undefined {
  const standing = standsTo(turn, service, placedRoot(turn, incident) ?? near.service);
  if (standing === 'cause') return true;
  if (standing === 'effect') return near.side === 'cause' && isAllStarved(tally);
  if (explainsMost(turn, service, tally)) return true;
  // What fails asks less of all that it calls, whatever it fails of.
  const isStarved = near.side === 'effect' && name !== undefined && saysTooFewCome(name);
  return isStarved ? false : undefined;
}

/** All of its services only get too few requests: a service that calls all of them and fails explains it. */
export function isAllStarved({ services }: Tally): boolean {
  for (const { alerts, starved } of services.values()) if (starved < alerts) return false;
  return true;
}

/** How a service stands to the incident's root: reached by its failure, able to explain it, or neither. */
function standsTo(turn: Turn, service: string, root: string): 'effect' | 'cause' | 'sideways' {
  if (service === root || callersOf(turn.rules, root).has(service)) return 'effect';
  return callersOf(turn.rules, service).has(root) ? 'cause' : 'sideways';
}

/**
 * A blip began the incident, and an unrelated failure then made it its own: what `service` does not explain is
 * little beside what it does, and no more than a blip.
 */
function explainsMost(turn: Turn, service: string, { services }: Tally): boolean {
  if (services.size > WEIGHED_MAX) return false;
  const callers = callersOf(turn.rules, service);
  let all = 0;
  let unexplained = 0;
  for (const [name, { firing, weight }] of services) {
    if (firing === 0) continue;
    all += weight;
    if (callers.has(name)) continue;
    if (weight > BLIP_MAX) return false;
    unexplained += weight;
  }
  return unexplained < all * UNEXPLAINED_MAX;
}
