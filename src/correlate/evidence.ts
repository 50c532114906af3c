/** What links an alert to an incident, and the words of a decision for it. */
import type { Evidence, Incident } from '../model.ts';

export interface Match {
  readonly incident: Incident;
  readonly evidence: Evidence;
  readonly because: string;
  /** The alert is a deeper cause: incidents that it explains become one with it. */
  readonly explains: boolean;
  readonly hops: number;
  readonly apartMs: number;
}

/** That the alert is the deeper cause is not said. */
export function matchOf(
  evidence: Evidence,
  incident: Incident,
  because: string,
  apartMs: number,
  hops = 0,
): Match {
  return { incident, evidence, because, explains: false, hops, apartMs };
}

export function byTransaction(id: string, services: readonly string[]): string {
  return `shares transaction ${id} with ${services.join(', ')}`;
}

export function byService(service: string): string {
  return `${service} already has an alert in it`;
}

/** From the caller to what it depends on, both included. */
export function byPath(path: readonly string[], apartMs: number): string {
  const hops = path.length - 1;
  return `${path.join(' -> ')}, ${hops === 1 ? '1 hop' : `${hops} hops`}, ${seconds(apartMs)} s apart`;
}

export function byHost(host: string, apartMs: number): string {
  return `on the same host ${host}, ${seconds(apartMs)} s apart`;
}

export function byLabels(names: readonly string[], values: readonly string[]): string {
  return `same ${names.join(', ')} (${values.join(', ')})`;
}

export function byTime(apartMs: number, service: string): string {
  return `began ${seconds(apartMs)} s apart; nobody said what ${service} depends on`;
}

/** For merging two incidents: no alert joins by it. `name`: of an alert that also fires on the service `other`. */
export function byNature(name: string, other: string, apartMs: number): string {
  return `${name} began ${seconds(apartMs)} s apart on ${other}, and on a third; nobody said what links them`;
}

/** The same: in so many places. */
export function byTogether(places: number, apartMs: number): string {
  return `began ${seconds(apartMs)} s apart, and with it what fails in ${places} places; nobody said what links them`;
}

/** The same: a storm told of both. */
export function byStorm(apartMs: number): string {
  return `began ${seconds(apartMs)} s apart in a storm, and outlasted it`;
}

/** The same: too few requests come, as people do not get in. `site`: what is not reached. */
export function byFront(site: string, apartMs: number): string {
  return `too few requests come, and ${site} is not reached from outside, ${seconds(apartMs)} s apart`;
}

/** The same, by a name from outside the catalog that both say. */
export function byPeer(peer: string, other: string, apartMs: number): string {
  return `names ${peer}, as ${other} does, ${seconds(apartMs)} s apart`;
}

function seconds(ms: number): number {
  return Math.round(Math.abs(ms) / 1000);
}

/** In time; of two that are as near the first by its id. */
export function isNearer(one: Match, other: Match | undefined): boolean {
  if (other === undefined || one.apartMs !== other.apartMs)
    return other === undefined || one.apartMs < other.apartMs;
  return one.incident.id < other.incident.id;
}
