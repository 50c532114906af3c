/**
 * Before a second message is posted: does one that stands explain it already?
 *
 * Alerts that come when a failure has been told for some minutes begin apart, for most of them are blips beside
 * it. When they last, so that people are to be told, they are its late effects, if its likely cause explains
 * all that fires.
 */
import { idsAt } from '../id-index.ts';
import type { Alert, Incident } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state.ts';
import type { Turn } from '../turn.ts';
import { byPath } from './evidence.ts';
import { callersOf, nearby, pathTo } from './graph.ts';
import { isOpenTo, type Match } from './joinable.ts';
import { WEIGHED_MAX } from './root.ts';

/** The message that explains the incident, looked for around the service of its worst alert; the nearest in time. */
export function explainedBy(
  turn: Turn,
  incident: Incident,
  { facts: { service } }: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state, rules } = turn;
  const firing = firingIn(turn, incident);
  if (!rule.on || firing.length > WEIGHED_MAX) return undefined;
  let best: Match | undefined;
  for (const near of nearby(rules.catalog, rules.hubCallers, service, rule.maxHops)) {
    for (const id of idsAt(state.byService, incident.environment, near.service)) {
      const match = explains(turn, id, incident, { service, firing, rule });
      if (match !== undefined && (best === undefined || match.apartMs < best.apartMs)) best = match;
    }
  }
  return best;
}

function explains(
  turn: Turn,
  id: string,
  incident: Incident,
  {
    service,
    firing,
    rule,
  }: { readonly service: string; readonly firing: readonly string[]; readonly rule: CorrelateRule },
): Match | undefined {
  const other = turn.state.incidents.get(id);
  if (other === undefined || id === incident.id || !isOpenTo(other, rule, turn.now))
    return undefined;
  const root = other.roots[0]?.service;
  if (other.toldIn !== 'message' || other.resolvedAt !== undefined || root === undefined)
    return undefined;
  const apartMs = Math.abs(incident.gatheredAt - tallyOf(turn.state, id).lastSince);
  if (apartMs > rule.windowMs) return undefined;
  const callers = callersOf(turn.rules.catalog, turn.rules.hubCallers, root);
  if (!callers.has(service) || firing.some((name) => name !== root && !callers.has(name)))
    return undefined;
  const path = pathTo(callers, root, service);
  const because = byPath(path, apartMs);
  const hops = path.length - 1;
  return { incident: other, evidence: 'dependency', because, explains: false, hops, apartMs };
}

function firingIn({ state }: Turn, { id }: Incident): readonly string[] {
  const names: string[] = [];
  for (const [name, { firing }] of tallyOf(state, id).services) if (firing > 0) names.push(name);
  return names;
}
