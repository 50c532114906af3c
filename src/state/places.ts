/**
 * Forgets services and hosts of an incident on which none of its alerts is any more: an incident that goes on for
 * long must not grow for ever.
 */
import type { Alert, Incident } from '../model.ts';
import { type GroupIndex, indexGroup } from './group-index.ts';
import { type IdIndex, type PlaceIndex, removeFrom, removePlace } from './id-index.ts';
import { indexMessages, type MessageIndex } from './message-index.ts';
import { createTally, servicesOn, type Tally } from './tally.ts';

/** What of a lane's state it reads and changes. */
interface Placed {
  readonly tallies: Map<string, Tally>;
  readonly members: Map<string, Set<string>>;
  readonly byService: PlaceIndex;
  readonly byHost: IdIndex;
  readonly byGroup: GroupIndex;
  readonly byMessage: MessageIndex;
}

/** Services of which it is found out again when the last alert came or ended: of more it is a storm. */
const SERVICES_MAX = 100;

/** An alert is forgotten: where nothing that is remembered was any more. */
export function forgetPlaces(state: Placed, { facts }: Alert, id: string): void {
  const tally = state.tallies.get(id);
  if (tally === undefined) return;
  if (tally.services.get(facts.service)?.alerts === 0) {
    tally.services.delete(facts.service);
    removePlace(state.byService, facts.environment, facts.service, id);
    findLast(tally);
  }
  forgetHost(state, facts.host, id);
}

/** What its services tell of it; of too many what was known stays. */
export function findLast(tally: Tally): void {
  if (tally.services.size > SERVICES_MAX) return;
  tally.lastSince = 0;
  tally.lastEndsAt = undefined;
  for (const { lastSince, endsAt } of tally.services.values()) {
    tally.lastSince = Math.max(tally.lastSince, lastSince);
    if (endsAt !== undefined) tally.lastEndsAt = Math.max(tally.lastEndsAt ?? 0, endsAt);
  }
}

/** An alert of it left, and nothing else may be there. */
export function forgetHost(state: Placed, host: string | undefined, id: string): void {
  const tally = state.tallies.get(id);
  if (host === undefined || tally === undefined || servicesOn(tally, host).size > 0) return;
  tally.hosts.delete(host);
  removeFrom(state.byHost, host, id);
}

export function dropIndexes(state: Placed, incident: Incident): void {
  const tally = state.tallies.get(incident.id) ?? createTally();
  for (const service of tally.services.keys()) {
    removePlace(state.byService, incident.environment, service, incident.id);
  }
  for (const host of tally.hosts.keys()) removeFrom(state.byHost, host, incident.id);
  indexGroup(state.byGroup, incident, undefined);
  indexMessages(state.byMessage, incident, undefined);
  state.tallies.delete(incident.id);
  state.members.delete(incident.id);
}
