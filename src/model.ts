/**
 * The words of the domain: what comes in, what Quell remembers, what it decides, what it asks for.
 *
 * Plain readonly data and nothing else. Records are replaced, never changed in place. Instants are
 * milliseconds since 1970 by Quell's own clock, unless a comment says that it is the source's clock.
 */

import type { Instant, Severity } from './model/basics.ts';
import type { DeliveryOutcome, Effect, MessageRef } from './model/effect.ts';
import type { Ground, Reason, Verdict } from './model/reasons.ts';

/** A record that is being made: nobody else has seen it yet. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** What people are called, by their id in Slack, as far as that is known. */
export interface People {
  readonly get: (id: string) => string | undefined;
}

/** Label or annotation set. `__proto__` is a name like any other: build it with `Object.create(null)` or JSON.parse. */
export type Labels = Readonly<Record<string, string>>;

/** Where a rule stands: `quiet.yaml:9`; `built-in` for a default that no file states. */
export type RuleRef = string;

// ---------------------------------------------------------------------------------------------
// What comes in
// ---------------------------------------------------------------------------------------------

/** One alert as its source sent it, brought to one shape by a parser of `ingest/`. */
export interface ReceivedAlert {
  /** Name of the source: `alertmanager`, `prometheus`, `generic`, or what the token is called. */
  readonly source: string;
  readonly status: 'firing' | 'resolved';
  /** Exactly as received. */
  readonly labels: Labels;
  readonly annotations: Labels;
  /** The source's clock. */
  readonly startsAt: Instant;
  /** The source did not say when it started: `startsAt` is when it came in, and says nothing about a new firing. */
  readonly undated?: true;
  /** Resolved: when it ended. Firing: a time-out after which it counts as resolved, if given. The source's clock. */
  readonly endsAt: Instant | undefined;
  readonly generatorURL: string | undefined;
}

/** The state that people's reactions stand for. Names of emoji are mapped to these by the rules. */
export const GESTURES = ['acknowledge', 'solved', 'snooze', 'not-actionable'] as const;
export type Gesture = (typeof GESTURES)[number];

/** Keeps alerts quiet for a while, because somebody said so: by API, or in the thread of a message. */
export interface Silence {
  readonly id: string;
  /** All of them must match. */
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAt: Instant;
  readonly endsAt: Instant;
  readonly createdBy: string;
  readonly comment: string;
}

/** Alertmanager's: `isEqual` false turns it round. */
export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

/** What the pipeline decides on, one at a time. `delivery` correlates request, log lines and Slack calls. */
export type Event =
  | {
      readonly kind: 'alert';
      readonly delivery: string;
      readonly alert: ReceivedAlert;
      /** By the rules that decide it, where it was found out already: for other rules that name alerts alike. */
      readonly fingerprint?: string;
    }
  /** An alert in a delivery that could not be understood. */
  | {
      readonly kind: 'odd';
      readonly delivery: string;
      readonly source: string;
      readonly error: string;
      readonly excerpt: string;
    }
  | {
      readonly kind: 'reaction';
      readonly added: boolean;
      /** Emoji name without colons and skin tone. */
      readonly emoji: string;
      readonly user: string;
      readonly on: MessageRef | { readonly incident: string };
      /** Slack's event_ts in ms: orders reactions, and recognises a repeated one. */
      readonly orderedAt: Instant;
    }
  /** Somebody silences alerts, or changes a silence. */
  | { readonly kind: 'silence'; readonly silence: Silence }
  | { readonly kind: 'unsilence'; readonly id: string; readonly by: string }
  /** Somebody asks for something in the thread of a message, in words: `silence 2h deploying`. */
  | {
      readonly kind: 'request';
      readonly user: string;
      /** Without the mention of Quell that it began with. */
      readonly text: string;
      readonly on: MessageRef | { readonly incident: string };
      readonly orderedAt: Instant;
    }
  /** What became of an effect of the outbox. */
  | {
      readonly kind: 'delivered';
      readonly effect: string;
      /** When that effect was ordered: a later one may have its id. */
      readonly orderedAt?: Instant;
      readonly outcome: DeliveryOutcome;
    }
  /** The clock reached what the lane asked to be woken for. */
  | { readonly kind: 'tick' }
  /** The lane was loaded: sources could not reach us meanwhile, so time-outs start anew. */
  | { readonly kind: 'started' }
  /** Other rules are in force from now on. */
  | { readonly kind: 'rules-changed' };

// ---------------------------------------------------------------------------------------------
// What Quell remembers
// ---------------------------------------------------------------------------------------------

/** What the rules read out of an alert's labels and annotations. */
export interface Facts {
  /** `alertname`, or what stands for it: the kind of alert. */
  readonly name: string;
  /** Canonical name from the catalog; the name found in the labels when the catalog has none. */
  readonly service: string;
  /** False when the catalog does not know the service: it is its own node then. */
  readonly known: boolean;
  readonly environment: string;
  readonly severity: Severity;
  readonly host: string | undefined;
  /** At most TRANSACTIONS_MAX, normalised. */
  readonly transactions: readonly string[];
  readonly runbook: string | undefined;
  readonly dashboard: string | undefined;
}

/** An alert that Quell knows, firing or lately resolved. */
export interface Alert {
  readonly fingerprint: string;
  readonly source: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly generatorURL: string | undefined;
  readonly facts: Facts;
  readonly status: 'firing' | 'resolved';
  /** Of the present or last episode, by the source's clock. */
  readonly startsAt: Instant;
  /** Resolved: when, by the source's clock; undefined while it fires and when it only timed out. */
  readonly endsAt: Instant | undefined;
  /** When the episode was first heard of. */
  readonly since: Instant;
  /** Firing: taken as resolved then unless the source mentions it again. Undefined: never. */
  readonly expiresAt: Instant | undefined;
  readonly resolvedAt: Instant | undefined;
  /** Episodes so far, this one included. */
  readonly episodes: number;
  /** Set while a silence, a maintenance window or another alert mutes it. */
  readonly muted: Muted | undefined;
  /** The incident it belongs to; kept after it resolved, for as long as the incident is remembered. */
  readonly incident: string | undefined;
  /** Firing longer than this is worth telling by itself. */
  readonly heldUntil: Instant;
  readonly holdRule: RuleRef;
  readonly holdWhy: string | undefined;
  /** It is held for longer than its rule says, only because its source says late that something is over. */
  readonly awaitsWord: boolean;
  readonly flap: Flap | undefined;
  /** What only a newer version knows of it, which may lead again: kept as it is. */
  readonly more: readonly unknown[] | undefined;
}

export interface Muted {
  readonly by: string;
  readonly rule: RuleRef;
  readonly why: string | undefined;
  /** When to look again. */
  readonly until: Instant;
  /** Fingerprint of the firing alert that inhibits it; undefined: a silence or a window mutes it. */
  readonly inhibitor: string | undefined;
  /** A time interval of its route does. */
  readonly ground?: 'route';
}

/** What each firing adds to the penalty of an alert. */
export const PENALTY = 1000;

/** Flap damping of one alert: a penalty that decays by half every half-life. */
export interface Flap {
  readonly penalty: number;
  /** When the penalty was that. */
  readonly at: Instant;
  readonly flapping: boolean;
  /** When it began to flap, if it flaps. */
  readonly since: Instant | undefined;
  /** People were told of it, if it flaps: it was part of a message when it began to, or is by now. */
  readonly told?: boolean;
}

export type Phase = 'gathering' | 'open' | 'acknowledged' | 'resolved';
export type Urgency = 'post' | 'thread' | 'digest' | 'drop';

export interface RootCandidate {
  readonly service: string;
  /** How many of the incident's alerts it explains, itself included. */
  readonly explains: number;
  readonly of: number;
  readonly since: Instant;
  /** In plain words: "alerted first", "checkout -> payments -> payments-db". */
  readonly reasons: readonly string[];
}

export interface RouteDecision {
  /** `#name` or a channel id. */
  readonly channel: string;
  readonly urgency: Urgency;
  /** Slack ids to mention, already resolved: `U…`, `S…` (user group), `here`, `channel`. */
  readonly mention: readonly string[];
  readonly escalate: { readonly afterMs: number; readonly mention: readonly string[] } | undefined;
  readonly rule: RuleRef;
  readonly why: string | undefined;
  /** It says a message, and what is chronic is a line of the digest instead: `rule` is that of `chronic`. */
  readonly isChronic?: true;
  /** The channel that it says, where Slack would not take the message: `channel` is another one since. */
  readonly meantFor?: { readonly channel: string; readonly error: string };
}

export interface Mark {
  readonly user: string;
  readonly at: Instant;
}

/** An incident of which nothing is said in its thread for a while. */
export interface Snoozed {
  readonly by: string;
  readonly at: Instant;
  readonly until: Instant;
  /** The silence that matches all that fires in it; undefined: a reaction asked for it. */
  readonly silence: string | undefined;
}

/** The alerts that share one cause. Exactly one Slack message stands for it. */
export interface Incident {
  readonly id: string;
  readonly environment: string;
  readonly phase: Phase;
  readonly gatheredAt: Instant;
  /** The earliest startsAt of its alerts, by their source's clock. */
  readonly startsAt: Instant;
  /** When what they tell of began, where that is known to be earlier: they had waited before they fired. */
  readonly beganAt: Instant | undefined;
  /** When people were told; undefined while it is unseen. */
  readonly toldAt: Instant | undefined;
  /** Why it was told, in plain words. */
  readonly toldBecause: string | undefined;
  readonly resolvedAt: Instant | undefined;
  /** Worst severity among its firing alerts; the last one that was firing when it is resolved. */
  readonly severity: Severity;
  readonly worstTold: Severity;
  /** Best candidate first, at most three. */
  readonly roots: readonly RootCandidate[];
  readonly route: RouteDecision | undefined;
  /** Counts what the message must show; the outbox sends the newest only. */
  readonly revision: number;
  readonly message: MessageRef | undefined;
  /** The newest revision that Slack has, or will not take. */
  readonly sentRevision: number | undefined;
  /** How often Slack took a newer revision after the first, and when the last one. Undefined: never. */
  readonly updated: { readonly times: number; readonly at: Instant } | undefined;
  /** `ts` of its replies, newest last: a reaction to one counts for it. `C123 ts` for one in another channel. */
  readonly replies: readonly string[];
  readonly acknowledged: readonly Mark[];
  readonly solved: Mark | undefined;
  /** When "solved" is checked against the source. */
  readonly verifyAt: Instant | undefined;
  readonly snoozed: Snoozed | undefined;
  readonly notActionable: readonly Mark[];
  readonly escalateAt: Instant | undefined;
  readonly escalated: number;
  /** How often it re-opened. */
  readonly reopened: number;
  /** A message update is due then: updates within a short while are one. */
  readonly refreshAt: Instant | undefined;
  readonly refreshedAt: Instant | undefined;
  /** When a thread line of each kind was last written. */
  readonly repliedAt: Readonly<Record<string, Instant>>;
  /** The newest of each reaction, so that late and repeated ones do nothing: see reactions.ts. */
  readonly reactions: Readonly<
    Record<string, { readonly added: boolean; readonly orderedAt: Instant }>
  >;
  /** Set when it became part of another: old links and reactions go there. */
  readonly mergedInto: string | undefined;
  /** Incidents that people split it from, or that are too large: evidence does not make them one. */
  readonly apartFrom: readonly string[] | undefined;
  /** What it is made of besides alerts that share a cause. */
  readonly special: 'storm' | 'heartbeat' | undefined;
  /** Where it was told: by a message of its own, or as part of a digest, a thread or a storm. */
  readonly toldIn: 'message' | 'digest' | 'thread' | 'storm' | 'nowhere' | undefined;
  /** A storm: how many incidents its message stands for. */
  readonly standsFor: number;
  /** Values of the labels that a `correlate: by` rule grouped it by. */
  readonly group: string | undefined;
  /** What only a newer version knows of it, which may lead again: kept as it is. */
  readonly more: Readonly<Record<string, unknown>> | undefined;
}

// ---------------------------------------------------------------------------------------------
// What Quell decides
// ---------------------------------------------------------------------------------------------

export {
  BEGINNINGS,
  BESIDE,
  CONSEQUENCES,
  type Consequence,
  type Evidence,
  type Ground,
  KEPT_QUIET,
  type Reason,
  SHOWN,
  VERDICTS,
  type Verdict,
} from './model/reasons.ts';
export type * from './model/effect.ts';
export { type Instant, SEVERITIES, type Severity } from './model/basics.ts';

/** What was done, why, and the facts it rests on: read by explain, the page, the metrics and replay. */
export interface Decision {
  readonly at: Instant;
  readonly reason: Reason;
  readonly fingerprint: string | undefined;
  readonly service: string | undefined;
  readonly incident: string | undefined;
  readonly delivery: string | undefined;
  /** One plain sentence with the facts, made when the decision is: "checkout -> payments, 1 hop, 38 s later". */
  readonly because: string | undefined;
  /** Of which kind that is; undefined: of no kind that anybody tells apart, or an earlier version noted it. */
  readonly ground: Ground | undefined;
  readonly rule: RuleRef | undefined;
  /** The `why:` of that rule. */
  readonly why: string | undefined;
}

/** What one event led to. All of it becomes visible together, or nothing. */
export interface Outcome {
  /** Exactly one for an alert; undefined for other events. */
  readonly verdict: Verdict | undefined;
  readonly decisions: readonly Decision[];
  readonly effects: readonly Effect[];
  /** Ids of effects that are done, or no longer wanted. */
  readonly effectsDone: readonly string[];
}
