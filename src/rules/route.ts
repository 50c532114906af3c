/**
 * The route tree, as in Alertmanager: the first child that matches takes the alert, children inherit
 * what they do not state themselves, the root takes what no child wants.
 *
 * One incident has one message, so `continue` works differently: the siblings after it may match too,
 * and the later one overrides only what it states.
 */
import type { Instant, Muted, RouteDecision, RuleRef, Urgency } from '../model.ts';
import type { Schedule } from './interval.ts';
import { type Predicate, ownerOf } from './matcher.ts';
import { isForTesting } from './environment.ts';
import { remember } from './remember.ts';
import type { Catalog, Loudness, Service, Subject } from './rules.ts';

export const DEFAULT_CHANNEL = '#alerts';
const ENVIRONMENTS_MAX = 1_000;

/** Whom to mention: somebody whose id is known, or whoever stands for the owner's team. */
export type Mention =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'oncall' }
  | { readonly kind: 'lead' }
  | { readonly kind: 'team'; readonly ids: readonly string[] };

export interface Escalation {
  readonly afterMs: number;
  readonly mention: readonly Mention[];
}

export interface RouteNode {
  readonly matches: Predicate;
  readonly goesOn: boolean;
  /** `owner` stands for the channel of the owner. */
  readonly channel: string | undefined;
  readonly mention: readonly Mention[] | undefined;
  readonly urgency: Urgency | undefined;
  /** `off` stops what was inherited. */
  readonly escalate: Escalation | 'off' | undefined;
  /** Not told while any of these is active. */
  readonly mute: readonly NamedSchedule[];
  /** Told only while any of these is active; empty: always. */
  readonly active: readonly NamedSchedule[];
  readonly routes: readonly RouteNode[];
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

export interface NamedSchedule {
  readonly name: string;
  readonly schedule: Schedule;
}

export interface Team {
  readonly name: string;
  readonly channel: string | undefined;
  readonly oncall: readonly string[];
  readonly lead: readonly string[];
}

export const DEFAULT_ROUTE: RouteNode = {
  matches: () => true,
  goesOn: false,
  channel: DEFAULT_CHANNEL,
  mention: [],
  urgency: undefined,
  escalate: undefined,
  mute: [],
  active: [],
  routes: [],
  rule: 'built-in',
  why: undefined,
};

interface Stated {
  channel: string;
  mention: readonly Mention[];
  urgency: Urgency | undefined;
  escalate: Escalation | undefined;
  rule: RuleRef;
  why: string | undefined;
}

interface Owners {
  readonly catalog: Catalog;
  readonly teams: ReadonlyMap<string, Team>;
}

export function routeBy(root: RouteNode, owners: Owners) {
  const isTesting = remember(ENVIRONMENTS_MAX, isForTesting);
  return (subject: Subject): RouteDecision => {
    const service = owners.catalog.services.get(subject.facts.service);
    const team = owners.teams.get(ownerOf(subject, owners.catalog));
    const stated: Stated = {
      channel: DEFAULT_CHANNEL,
      mention: [],
      urgency: undefined,
      escalate: undefined,
      rule: root.rule,
      why: undefined,
    };
    descend(root, subject, (node) => state(node, stated, service, team));
    const { escalate } = stated;
    const urgency = stated.urgency ?? usually(subject, service, isTesting).urgency;
    // Nobody asked for a digest in a team's channel: what is quiet by itself stands in the main one,
    // if there is one.
    const isUnasked = stated.urgency === undefined && urgency === 'digest';
    const isMain = isUnasked && root.channel !== 'owner';
    return {
      channel: isMain ? (root.channel ?? DEFAULT_CHANNEL) : stated.channel,
      urgency,
      mention: idsOf(stated.mention, team),
      escalate: escalate && {
        afterMs: escalate.afterMs,
        mention: idsOf(escalate.mention, team),
      },
      rule: stated.rule,
      why: stated.why,
    };
  };
}

/** The root's own channel; that of nobody's owner is the default. */
export function rootChannelOf({ channel }: RouteNode): string {
  return channel === undefined || channel === 'owner' ? DEFAULT_CHANNEL : channel;
}

/** For whoever explains: what the routes answer, and where the loudness of it comes from. */
export function loudnessBy(root: RouteNode, { catalog }: Pick<Owners, 'catalog'>) {
  return (subject: Subject): Loudness => {
    const usual = usually(subject, catalog.services.get(subject.facts.service), isForTesting);
    let stated: Loudness | undefined;
    descend(root, subject, ({ urgency, rule }) => {
      if (urgency !== undefined) stated = { urgency, rule, because: undefined };
    });
    return stated ?? { urgency: usual.urgency, rule: undefined, because: usual.because };
  };
}

interface Usual {
  readonly urgency: Urgency;
  readonly because: string;
}

const INFORMATION: Usual = { urgency: 'digest', because: 'its severity is that of information' };
const TIER_3: Usual = {
  urgency: 'digest',
  because: 'its service is of tier 3, and nothing else fails there',
};
const TESTS: Usual = { urgency: 'digest', because: 'its environment is one for testing' };
const ALL_ELSE: Usual = { urgency: 'post', because: 'nothing says that it can wait' };

/**
 * When no route says how loudly: information waits for the digest, and so does what cannot hurt the
 * business, test environments and a single check at tier 3 that is less than critical. All else is a message.
 */
function usually(
  subject: Subject,
  service: Service | undefined,
  isTesting: (environment: string) => boolean,
): Usual {
  const { severity, environment } = subject.facts;
  if (severity === 'none' || severity === 'info') return INFORMATION;
  if (service?.tier === 3 && severity !== 'critical' && subject.several !== true) return TIER_3;
  return isTesting(environment) ? TESTS : ALL_ELSE;
}

/** Calls `visit` for every route on the way, in the order in which later ones override. */
function descend(node: RouteNode, subject: Subject, visit: (node: RouteNode) => void): void {
  visit(node);
  for (const child of node.routes) {
    if (!child.matches(subject)) continue;
    descend(child, subject, visit);
    if (!child.goesOn) return;
  }
}

function state(
  node: RouteNode,
  stated: Stated,
  service: Service | undefined,
  team: Team | undefined,
): void {
  if (node.channel === 'owner') {
    stated.channel = service?.channel ?? team?.channel ?? stated.channel;
  } else if (node.channel !== undefined) {
    stated.channel = node.channel;
  }
  stated.mention = node.mention ?? stated.mention;
  stated.urgency = node.urgency ?? stated.urgency;
  if (node.escalate !== undefined) {
    stated.escalate = node.escalate === 'off' ? undefined : node.escalate;
  }
  stated.rule = node.rule;
  stated.why = node.why;
}

function idsOf(mentions: readonly Mention[], team: Team | undefined): readonly string[] {
  const ids = mentions.flatMap((mention): readonly string[] => {
    switch (mention.kind) {
      case 'id':
        return [mention.id];
      case 'team':
        return mention.ids;
      case 'oncall':
        return team?.oncall ?? [];
      case 'lead':
        return team?.lead ?? [];
    }
  });
  return [...new Set(ids)];
}

/** Undefined when no route names a time interval: then nothing has to be asked. */
export function mutedByRoute(
  root: RouteNode,
): ((subject: Subject, now: Instant) => Muted | undefined) | undefined {
  if (!hasIntervals(root)) return undefined;
  return (subject, now) => {
    let muted: Muted | undefined;
    for (const leaf of leaves(root, subject)) {
      const one = mutedAt(leaf, now);
      if (one === undefined) return undefined;
      muted ??= one;
    }
    return muted;
  };
}

function hasIntervals(node: RouteNode): boolean {
  return node.mute.length > 0 || node.active.length > 0 || node.routes.some(hasIntervals);
}

/** As in Alertmanager, time intervals are not inherited: those of the routes that take the alert count. */
function leaves(node: RouteNode, subject: Subject): readonly RouteNode[] {
  const found: RouteNode[] = [];
  for (const child of node.routes) {
    if (!child.matches(subject)) continue;
    found.push(...leaves(child, subject));
    if (!child.goesOn) break;
  }
  return found.length === 0 ? [node] : found;
}

function mutedAt(node: RouteNode, now: Instant): Muted | undefined {
  const { rule, why } = node;
  const quiet = { rule, why, inhibitor: undefined, ground: 'route' } as const;
  for (const { name, schedule } of node.mute) {
    const { active, until } = schedule(now);
    if (active) return { ...quiet, by: `time interval ${name}`, until };
  }
  if (node.active.length === 0) return undefined;
  const states = node.active.map(({ schedule }) => schedule(now));
  if (states.some(({ active }) => active)) return undefined;
  const names = node.active.map(({ name }) => name).join(', ');
  const until = Math.min(...states.map((one) => one.until));
  return { ...quiet, by: `outside of ${names}`, until };
}
