/**
 * What truly happens on the platform: events, and the check failures ("firings") that each causes.
 *
 * One check of one service on one host is in one state at a time: a second event that hits a check
 * which already fires adds nothing, except that a symptom of two failures belongs to both.
 */
import type { Check, Level } from './checks.ts';
import type { Environment, Platform } from './platform.ts';
import type { Random } from './random.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type EventKind =
  | 'cascade'
  | 'single'
  | 'short-critical'
  | 'pair-unrelated'
  | 'pair-connected'
  | 'host'
  | 'transaction'
  | 'flap-outage'
  | 'cause-cleared'
  | 'unknown-outage'
  | 'maintenance-overrun'
  | 'storm'
  | 'brief'
  | 'transient'
  | 'flapping'
  | 'chronic'
  | 'maintenance'
  | 'non-production'
  | 'unknown';

export interface HappeningSpec {
  readonly kind: EventKind;
  readonly actionable: boolean;
  readonly environment: Environment;
  /** The service that failed first; undefined when it was none (a host, the network) or nothing failed. */
  readonly root: string | undefined;
  /** Its alerts are muted by a maintenance window until then: nobody could be told before. */
  readonly mutedUntil?: number;
}
export interface Happening extends HappeningSpec {
  readonly id: string;
}

/** What one check found, from when to when. */
export interface Firing {
  /** More than one only for a symptom of two failures at once. */
  readonly events: string[];
  readonly environment: Environment;
  readonly service: string;
  readonly check: Check;
  readonly level: Level;
  /** Undefined for functional checks. */
  readonly host: string | undefined;
  /** A part of the service, where one check looks at several. */
  readonly component: string | undefined;
  readonly transactions: readonly string[];
  readonly from: number;
  readonly to: number;
}

export interface FireSpec {
  readonly service: string;
  readonly check: Check;
  readonly level: Level;
  readonly host?: string | undefined;
  readonly component?: string;
  readonly transactions?: readonly string[];
  readonly from: number;
  readonly to: number;
  /** Also a symptom of this event. */
  readonly alsoOf?: string | undefined;
}

export interface World {
  readonly platform: Platform;
  readonly random: Random;
  readonly from: number;
  readonly to: number;
  readonly happenings: Happening[];
  readonly firings: Firing[];
  readonly occupied: Map<string, Firing[]>;
}

export function createWorld(
  platform: Platform,
  random: Random,
  span: { readonly from: number; readonly to: number },
): World {
  return { platform, random, ...span, happenings: [], firings: [], occupied: new Map() };
}

export function happen(world: World, spec: HappeningSpec): Happening {
  const happening = { ...spec, id: `e${String(world.happenings.length + 1).padStart(5, '0')}` };
  world.happenings.push(happening);
  return happening;
}

/** Prometheus evaluates a rule group every 15 s; that is when an alert can begin and end. */
const EVALUATION_MS = 15 * SECOND;
/** Between two firings of one check. */
const REST_MS = 45 * SECOND;

/** False: this check fired at that time already. */
export function fire(world: World, event: Happening, spec: FireSpec): boolean {
  const from = onGrid(spec.from, spec.check.name);
  const to = Math.max(from + EVALUATION_MS, onGrid(spec.to, spec.check.name));
  if (from < world.from || from >= world.to) return false;
  const key = [
    event.environment,
    spec.service,
    spec.check.name,
    spec.level,
    spec.host,
    spec.component,
  ].join('|');
  const taken = world.occupied.get(key) ?? [];
  if (taken.some((other) => from < other.to + REST_MS && other.from < to + REST_MS)) return false;
  const events = spec.alsoOf === undefined ? [event.id] : [event.id, spec.alsoOf];
  const firing: Firing = {
    events,
    environment: event.environment,
    service: spec.service,
    check: spec.check,
    level: spec.level,
    host: spec.host,
    component: spec.component,
    transactions: spec.transactions ?? [],
    from,
    to,
  };
  taken.push(firing);
  world.occupied.set(key, taken);
  world.firings.push(firing);
  return true;
}

function onGrid(at: number, checkName: string): number {
  // Each rule group has its own phase.
  let phase = 0;
  for (const letter of checkName) phase = (phase * 31 + letter.charCodeAt(0)) % EVALUATION_MS;
  return Math.ceil((at - phase) / EVALUATION_MS) * EVALUATION_MS + phase;
}

export function tierOf(world: World, service: string): number {
  return world.platform.byName.get(service)?.tier ?? 2;
}

export function transactionId(random: Random): string {
  return `tid_${Math.floor(random.next() * 2 ** 32).toString(36)}${Math.floor(random.next() * 2 ** 32).toString(36)}`;
}

/** The id that every request of the synthetic monitoring carries: it links nothing. */
export const EVERYBODYS_TRANSACTION = 'tid_synthetic0monitoring';
