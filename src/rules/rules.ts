/**
 * The rules in force, compiled: what the pipeline asks them. Built by `compile.ts`; pure and frozen.
 *
 * Every answer says which rule gave it (`RuleRef`, file and line) and that rule's `why:`, so that a
 * decision can be explained. With no rules file at all every answer is a good default (`built-in`).
 */
import type {
  Facts,
  Gesture,
  Instant,
  Labels,
  Muted,
  ReceivedAlert,
  RouteDecision,
  RuleRef,
  SilenceMatcher,
  Urgency,
} from '../model.ts';

/**
 * What a matcher sees of an alert: its labels, over which stand the facts that the rules read out of
 * it (`service`, `environment`, `severity`, `host`, `alertname`) and what the catalog says of the
 * service (`tier`, `owner`, `capability`). Absent is the empty string, as in Alertmanager.
 */
export interface Subject {
  readonly labels: Labels;
  readonly facts: Facts;
  readonly source: string;
  /** Of an incident: more than one of its checks fails, and that lasts. No matcher sees it. */
  readonly several?: boolean;
}

export interface Service {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly owner: string | undefined;
  readonly channel: string | undefined;
  /** 1 wakes people, 3 never does. Undefined: nobody said; treated as 2. */
  readonly tier: number | undefined;
  readonly capability: string | undefined;
  readonly runbook: string | undefined;
  readonly dashboard: string | undefined;
  /** Canonical names of the services it calls. */
  readonly dependsOn: readonly string[];
}

export interface Catalog {
  readonly services: ReadonlyMap<string, Service>;
  /** Alias (lower case) or name -> canonical name. */
  readonly canonical: ReadonlyMap<string, string>;
  /** The reverse of dependsOn: who calls it. */
  readonly callers: ReadonlyMap<string, readonly string[]>;
}

export interface HoldRule {
  readonly forMs: number;
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

/** Exponentially decaying penalty, after RFC 2439: each re-fire adds 1000, half of it is gone after halfLife. */
export interface FlapRule {
  readonly halfLifeMs: number;
  readonly suppress: number;
  readonly reuse: number;
  readonly quietMs: number;
  readonly maxSuppressMs: number;
  /** Firing on for longer than this while flapping is told, once. */
  readonly sustainedMs: number;
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

export interface ChronicRule {
  /** What fired for so long, and nobody acted upon, is chronic. */
  readonly firedMs: number;
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

export interface CorrelateRule {
  /** False: the alert is always an incident of its own kind (same service and environment). */
  readonly on: boolean;
  readonly windowMs: number;
  readonly spanMs: number;
  readonly maxHops: number;
  /** How many services without an alert may stand between two that have one. */
  readonly silent: number;
  /** Labels whose equal values group alerts that nothing else links. Empty: none. */
  readonly by: readonly string[];
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

/** How loudly something is told, and what says so: a route, or a default. */
export interface Loudness {
  readonly urgency: Urgency;
  /** The route that states it; undefined when none does. */
  readonly rule: RuleRef | undefined;
  /** Why the default is what it is; undefined when a route states it. */
  readonly because: string | undefined;
}

export interface TransactionRule {
  readonly ttlMs: number;
  /** An id carried by more alerts, or by more services, than this links nothing. */
  readonly alertsMax: number;
  readonly servicesMax: number;
}

export interface LifeRule {
  readonly reopenWithinMs: number;
  /** "Solved" is checked against the source after this. */
  readonly verifySolvedMs: number;
  readonly snoozeMs: number;
  /** Updates of a message within this are one. */
  readonly refreshMs: number;
  /** Thread lines of one kind come no closer together than this. */
  readonly replyEveryMs: number;
  /** A firing alert whose source gives no time-out is taken as resolved when not mentioned for this long. */
  readonly resolveTimeoutMs: number;
}

export interface StormRule {
  readonly on: boolean;
  /** New alerts a minute, over all, that make a storm. */
  readonly perMinute: number;
  /** Below half of it for this long: over. */
  readonly calmMs: number;
}

/** While an alert of the source side fires, those of the target side are told to nobody. */
export interface InhibitRule {
  readonly isSource: (subject: Subject) => boolean;
  readonly isTarget: (subject: Subject) => boolean;
  /** Values of the labels in which source and target must agree, as one text. */
  readonly valuesOf: (subject: Subject) => string;
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

export interface HeartbeatRule {
  readonly name: string;
  /** True for the alerts that are this heartbeat. */
  readonly matches: (subject: Subject) => boolean;
  readonly missingAfterMs: number;
  /** Expected from the start, or only once it was seen. */
  readonly expected: boolean;
  readonly channel: string | undefined;
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

export interface Rules {
  /** Short hash of everything that was loaded, and its commit: `3f2a91c`, `3f2a91c@1a2b3c4+changes`. */
  readonly version: string;
  readonly catalog: Catalog;
  /** Services that more others call than this: a hub links nothing by a path through it. */
  readonly hubCallers: number;

  /** Label names that are not part of an alert's identity: replicas, transaction ids. */
  readonly notIdentity: ReadonlySet<string>;
  /** The facts in an alert. Never throws; never slower than linear in the alert's text. */
  readonly normalise: (alert: ReceivedAlert) => Facts;
  /** Is this word one of a severity? Others count as the default. */
  readonly knowsSeverity: (word: string) => boolean;

  readonly heartbeats: readonly HeartbeatRule[];
  readonly muted: (subject: Subject, now: Instant) => Muted | undefined;
  /** The same list as long as the rules are the same: an index of the alerts that fire is built on it. */
  readonly inhibit: readonly InhibitRule[];
  /** What a silence matches that people set. A pattern that cannot be compiled matches nothing. */
  readonly matching: (matchers: readonly SilenceMatcher[]) => (subject: Subject) => boolean;
  readonly hold: (subject: Subject) => HoldRule;
  /** Undefined: flap damping is off for it. */
  readonly flap: (subject: Subject) => FlapRule | undefined;
  /** Undefined: it is a message each time. */
  readonly chronic: (subject: Subject) => ChronicRule | undefined;
  readonly correlate: (subject: Subject) => CorrelateRule;
  readonly transactions: TransactionRule;
  readonly route: (subject: Subject) => RouteDecision;
  /** Where the urgency of a route comes from: asked by whoever explains, not by the pipeline. */
  readonly loudness: (subject: Subject) => Loudness;
  /** Where everything goes that no route takes: the last resort for what a channel refuses. */
  readonly rootChannel: string;
  readonly life: LifeRule;
  readonly storm: StormRule;
  /** The next time after `now` at which the digest of a channel is due. */
  readonly nextDigest: (now: Instant) => Instant;

  /** Emoji name -> what it means. */
  readonly gestures: ReadonlyMap<string, Gesture>;
  /** Slack user id -> the name to show in logs and pages. */
  readonly people: ReadonlyMap<string, string>;
  /** URL templates; `{transaction}`, `{service}`, `{environment}`, `{alertname}`, `{matchers}` are filled in, encoded. */
  readonly links: {
    readonly logs: string | undefined;
    readonly dashboard: string | undefined;
    readonly silence: string | undefined;
  };
  /** Mapping of arbitrary JSON for `/v1/ingest/<name>`: see ingest/mapped.ts. */
  readonly mappings: ReadonlyMap<string, Mapping>;
}

/** Where the parts of an alert stand in somebody's JSON: dotted paths, `alerts[]` for the list. */
/** The first that leads to a text counts; `=` stands before a fixed text. */
type Paths = readonly string[];

export interface MappedStatus {
  readonly from: Paths;
  readonly resolved: readonly string[];
  /** What says them is no news of an alert. */
  readonly ignored: readonly string[];
}

export interface Mapping {
  readonly name: string;
  /** Path of the list of alerts; undefined: the body is one alert, or an array of them. */
  readonly alerts: string | undefined;
  readonly status: MappedStatus | undefined;
  readonly startsAt: Paths | undefined;
  readonly endsAt: Paths | undefined;
  readonly generatorURL: Paths | undefined;
  readonly labels: Readonly<Record<string, Paths>>;
  readonly annotations: Readonly<Record<string, Paths>>;
  readonly rule: RuleRef;
}

/** Only this part of a version says whether rules are other rules: the rest says which commit they are of. */
export function hashOf(version: string): string {
  return version.replace(/@.*$/, '');
}

/** Sources that can be read without a mapping in the rules. */
export const SOURCES = ['alertmanager', 'grafana', 'prometheus', 'generic'] as const;
