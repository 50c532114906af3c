/**
 * A cause that says nothing itself: a database without a check of its own, or whose check is late, or is silenced.
 * When several of the few services that call it begin to fail at once, it is what they share.
 *
 * Two that share something fail together by chance too often, so three are asked for; and of a hub, which nearly
 * everything shares, nothing is concluded.
 */
import { idsAt } from '../state/id-index.ts';
import { likelyCause } from '../life/lead.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { type LaneState, tallyOf } from '../state/state.ts';
import type { ServiceTally, Tally } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { byPath } from './evidence.ts';
import { callersOf } from './graph.ts';
import { TOGETHER_MS } from './group.ts';
import { isOpenTo, type Match } from './joinable.ts';

/** Direct callers that fail. */
const CALLERS_MIN = 3;

interface SilentCause {
  readonly service: string;
  /** Those that alert and call it, directly or not. */
  readonly explained: readonly (readonly [string, ServiceTally])[];
  readonly callers: number;
}

/** What most of an incident's services share that has no alert in it; of several the one with the fewest other callers. */
export function silentCause(
  turn: Turn,
  { environment }: Incident,
  tally: Tally,
  services: readonly (readonly [string, ServiceTally])[],
): SilentCause | undefined {
  const { catalog, hubCallers } = turn.rules;
  if (services.length < CALLERS_MIN) return undefined;
  let best: SilentCause | undefined;
  for (const [service, began] of sharedBy(turn, services)) {
    if (!areTogether(began) || callersAt(turn, service).length > hubCallers) continue;
    if ((tally.services.get(service)?.alerts ?? 0) > 0) continue;
    // It speaks elsewhere: people split the two, for instance.
    if (firesIn(turn.state, environment, service)) continue;
    const reached = callersOf(catalog, hubCallers, service);
    const explained = services.filter(([name]) => reached.has(name));
    const found = { service, explained, callers: began.length };
    if (best === undefined || isBetter(turn, found, best)) best = found;
  }
  return best;
}

/** What services call, and when each of them began to fail. */
function sharedBy(
  { rules }: Turn,
  services: readonly (readonly [string, ServiceTally])[],
): ReadonlyMap<string, readonly Instant[]> {
  const shared = new Map<string, Instant[]>();
  for (const [name, { firstSince }] of services) {
    for (const on of rules.catalog.services.get(name)?.dependsOn ?? []) {
      const began = shared.get(on);
      if (began === undefined) shared.set(on, [firstSince]);
      else began.push(firstSince);
    }
  }
  return shared;
}

/** Enough of them began to fail at once. */
function areTogether(began: readonly Instant[]): boolean {
  const inOrder = began.toSorted((one, other) => one - other);
  return inOrder.some(
    (at, index) => (inOrder[index + CALLERS_MIN - 1] ?? Infinity) - at <= TOGETHER_MS,
  );
}

function isBetter(turn: Turn, one: SilentCause, other: SilentCause): boolean {
  const more = one.explained.length - other.explained.length;
  const fewer = callersAt(turn, other.service).length - callersAt(turn, one.service).length;
  return (more || fewer || (one.service < other.service ? 1 : -1)) > 0;
}

function callersAt({ rules }: Turn, service: string): readonly string[] {
  return rules.catalog.callers.get(service) ?? [];
}

/** The message of others that began to fail with it, and share with it a service that says nothing; the nearest. */
export function toldOfSilent(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): Match | undefined {
  if (!rule.on || rule.maxHops < 2 || rule.silent < 1) return undefined;
  const cause = likelyCause(incident, speaker);
  let best: Match | undefined;
  for (const service of turn.rules.catalog.services.get(cause)?.dependsOn ?? []) {
    const match = toldAmongCallers(turn, incident, { cause, service, rule });
    if (match !== undefined && (best === undefined || match.apartMs < best.apartMs)) best = match;
  }
  return best;
}

function toldAmongCallers(
  turn: Turn,
  incident: Incident,
  {
    cause,
    service,
    rule,
  }: { readonly cause: string; readonly service: string; readonly rule: CorrelateRule },
): Match | undefined {
  const callers = callersAt(turn, service);
  if (callers.length < CALLERS_MIN || callers.length > turn.rules.hubCallers) return undefined;
  const failing = callers.flatMap((caller) => [...failuresOf(turn, incident, caller)]);
  if (new Set(failing.map(({ caller }) => caller)).size < CALLERS_MIN) return undefined;
  let best: Failure | undefined;
  for (const failure of failing) {
    if (best !== undefined && failure.apartMs >= best.apartMs) continue;
    if (failure.of.id !== incident.id && isAbout(turn, failure.of, service, rule)) best = failure;
  }
  if (best === undefined) return undefined;
  const { of, apartMs } = best;
  const because = byPath([cause, service], apartMs);
  return { incident: of, evidence: 'dependency', because, explains: false, hops: 2, apartMs };
}

interface Failure {
  readonly caller: string;
  readonly of: Incident;
  readonly apartMs: number;
}

/** Where a service fires that began to about when the incident did. */
function* failuresOf({ state }: Turn, incident: Incident, caller: string): Iterable<Failure> {
  for (const id of idsAt(state.byService, incident.environment, caller)) {
    const of = state.incidents.get(id);
    const there = tallyOf(state, id).services.get(caller);
    if (of === undefined || there === undefined || there.firing === 0) continue;
    const apartMs = Math.abs(there.firstSince - incident.gatheredAt);
    if (apartMs <= TOGETHER_MS) yield { caller, of, apartMs };
  }
}

/** People were told of it, and the silent service would explain its likely cause. */
function isAbout(turn: Turn, other: Incident, service: string, rule: CorrelateRule): boolean {
  const root = other.roots[0]?.service;
  if (root === undefined || other.toldIn !== 'message') return false;
  if (!isOpenTo(other, rule, turn.now)) return false;
  const { catalog, hubCallers } = turn.rules;
  return root === service || callersOf(catalog, hubCallers, service).has(root);
}

function firesIn(state: LaneState, environment: string, service: string): boolean {
  for (const id of idsAt(state.byService, environment, service))
    if ((tallyOf(state, id).services.get(service)?.firing ?? 0) > 0) return true;
  return false;
}
