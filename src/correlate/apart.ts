/**
 * What people told apart stays apart: the two incidents, whatever links them, and for a month also what was
 * split off and the likely cause of what it was split from, when both fail again.
 *
 * Asked of every match, so it is one look-up. `unsplit` takes it back: see life/part.ts.
 */
import { inWords } from '../life/in-words.ts';
import { touch } from '../life/show.ts';
import type { Facts, Incident, Instant } from '../model.ts';
import type { Parting } from '../state/small-records.ts';
import { type LaneState, putSmall, removeSmall, tallyOf } from '../state/state.ts';
import { change, note, type Turn } from '../state/turn.ts';
import type { Match } from './joinable.ts';

const DAY_MS = 24 * 60 * 60_000;
/** After that the catalog, or the services, are others. */
const REMEMBERED_MS = 30 * DAY_MS;
/** Beyond that the oldest go. */
const PARTINGS_MAX = 500;

/** The same whichever of the two is named first. */
export function partingName(environment: string, one: string, other: string): string {
  const [a, b] = one < other ? [one, other] : [other, one];
  return `${environment}\n${a}\n${b}`;
}

/** People said of these very incidents that they are two. */
export function areApart(one: Incident, other: Incident): boolean {
  return isApartFrom(one, other.id) || isApartFrom(other, one.id);
}

function isApartFrom({ apartFrom }: Incident, id: string): boolean {
  return apartFrom?.includes(id) === true;
}

/** People said it of their likely causes. */
export function partingOf(
  { state, now }: Pick<Turn, 'state' | 'now'>,
  one: Incident,
  other: Incident,
): Parting | undefined {
  if (state.partings.size === 0) return undefined;
  return between(state, now, one.environment, [causeOf(state, one), causeOf(state, other)]);
}

/** People said it of the alert's service and the incident's likely cause. Where the service stands already it may stay. */
export function partingFrom(
  { state, now }: Turn,
  { environment, service }: Facts,
  { incident, evidence }: Match,
): Parting | undefined {
  if (state.partings.size === 0 || evidence === 'service') return undefined;
  return between(state, now, environment, [service, causeOf(state, incident)]);
}

function between(
  state: LaneState,
  now: Instant,
  environment: string,
  [one, other]: readonly [string | undefined, string | undefined],
): Parting | undefined {
  if (one === undefined || other === undefined) return undefined;
  const parting = state.partings.get(partingName(environment, one, other));
  return parting === undefined || parting.until <= now ? undefined : parting;
}

/** The likely cause among its services, for a host is another one the next time. As long as one fails nobody had to judge. */
export function causeOf(state: LaneState, { id, roots }: Incident): string | undefined {
  const { services } = tallyOf(state, id);
  const root = roots.find(({ service }) => services.has(service));
  return root?.service ?? services.keys().next().value;
}

/** They would be one by evidence, and are two because people said so. Returns `one` as it is now. */
export function keepApart(turn: Turn, one: Incident, other: Incident, parting: Parting): Incident {
  const because = partingInWords(parting, turn.now);
  for (const [own, from] of [
    [one, other],
    [other, one],
  ] as const) {
    const known = turn.state.incidents.get(own.id) ?? own;
    touch(turn, change(turn, known, { apartFrom: [...(known.apartFrom ?? []), from.id] }));
    note(turn, 'kept-apart', {
      incident: own.id,
      service: causeOf(turn.state, own),
      because: `${from.id}: ${because}`,
    });
  }
  return turn.state.incidents.get(one.id) ?? one;
}

function partingInWords({ services: [what, from], by, at, until }: Parting, now: Instant): string {
  const counts = `which counts for another ${inWords(until - now)}`;
  return `${by} split ${what} from ${from} ${inWords(now - at)} ago, ${counts}`;
}

/** `user` split these services off an incident; `from` is the likely cause of what is left of it. */
export function rememberParting(
  { state, now }: Turn,
  { environment }: Incident,
  services: Iterable<string>,
  { from, user }: { readonly from: string; readonly user: string },
): void {
  for (const service of services) {
    const name = partingName(environment, service, from);
    const parting: Parting = {
      environment,
      services: [service, from],
      by: user,
      at: now,
      until: now + REMEMBERED_MS,
    };
    putSmall(state, 'parting', name, parting);
  }
  for (const [name, { until }] of state.partings)
    if (until <= now) removeSmall(state, 'parting', name);
  const tooMany = state.partings.size - PARTINGS_MAX;
  if (tooMany <= 0) return;
  // A restart puts them in another order than that in which they came.
  const oldest = [...state.partings].sort(byAge).slice(0, tooMany);
  for (const [name] of oldest) removeSmall(state, 'parting', name);
}

function byAge(
  [one, { at }]: readonly [string, Parting],
  [other, { at: otherAt }]: readonly [string, Parting],
): number {
  return at - otherAt || (one < other ? -1 : 1);
}

/**
 * Forgets what was said of a service of `incident` and one of `others`; without others of its likely cause and any.
 * Returns what that is no longer kept apart from.
 */
export function forgetPartings(
  { state, now }: Turn,
  incident: Incident,
  others: readonly Incident[],
): readonly string[] {
  const isAlone = others.length === 0;
  const own = new Set(isAlone ? [causeOf(state, incident)] : servicesOf(state, incident));
  const there = new Set(others.flatMap((other) => [...servicesOf(state, other)]));
  const isOther = (name: string): boolean => isAlone || there.has(name);
  const forgotten = new Set<string>();
  for (const [name, { environment, services, until }] of state.partings) {
    if (environment !== incident.environment) continue;
    const [one, other] = services;
    const isIt = (own.has(one) && isOther(other)) || (own.has(other) && isOther(one));
    if (!isIt) continue;
    removeSmall(state, 'parting', name);
    if (until > now) forgotten.add(own.has(one) ? other : one);
  }
  return [...forgotten].sort();
}

function servicesOf(state: LaneState, { id }: Incident): Iterable<string | undefined> {
  return tallyOf(state, id).services.keys();
}
