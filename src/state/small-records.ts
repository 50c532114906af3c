/**
 * What a lane remembers besides alerts and incidents: few records, and small ones.
 */
import type { DigestLine, Instant, MessageRef, Severity, Silence } from '../model.ts';
import type { Rules, Subject } from '../rules/rules.ts';

export interface Heartbeat {
  readonly name: string;
  readonly lastSeenAt: Instant | undefined;
  readonly missingAt: Instant;
  /** The incident that tells of its absence. */
  readonly incident: string | undefined;
}

export interface Storm {
  readonly incident: string;
  readonly since: Instant;
  /** When it last was more than people can read. */
  readonly roughAt: Instant;
  /** How many incidents it stands for. */
  readonly counted: number;
  /** Those that got messages of their own just before it began. */
  readonly before: readonly string[];
}

export interface Digest {
  readonly channel: string;
  /** When it was last brought up to date. */
  readonly from: Instant;
  /** Undefined: there is nothing to say. */
  readonly dueAt: Instant | undefined;
  readonly message: MessageRef | undefined;
  readonly lines: readonly DigestLine[];
  /** What was ordered last, until Slack has it. Absent: Slack has it. */
  readonly sending?: readonly DigestLine[] | undefined;
}

/** How late a source says that something is over: see dedupe/lateness.ts. */
export interface Lateness {
  readonly source: string;
  readonly ms: number;
  /** When it last changed. */
  readonly at: Instant;
}

/**
 * Somebody split one service off an incident that the other was the likely cause of: until then evidence does
 * not make them one again.
 */
export interface Parting {
  readonly environment: string;
  /** What was split off, and what it was split from. */
  readonly services: readonly [string, string];
  readonly by: string;
  readonly at: Instant;
  readonly until: Instant;
}

/** An alert that fired for hours and nobody acted, or that people acted upon: see life/chronic.ts. */
export interface Chronic {
  readonly fingerprint: string;
  /** When it was over, or people had acted. */
  readonly at: Instant;
  /** For how long it had fired; undefined: people acted. */
  readonly firedMs: number | undefined;
  readonly severity: Severity;
  /** Its last message, which may be long over when somebody reacts. */
  readonly told?: { readonly incident: string; readonly message: MessageRef };
}

/** A name from outside, or a transaction ID, that stands on so many alerts that it says nothing: see correlate/common.ts. */
export interface CommonName {
  readonly name: string;
  /** When that was found. */
  readonly at: Instant;
  /** Of a transaction ID, how many alerts and services carried it then: what is too many is a matter of rules. */
  readonly alerts?: number;
  readonly services?: number;
}

/** A silence that people set, with what is known of it. */
export interface KeptSilence {
  readonly silence: Silence;
  readonly updatedAt: Instant;
  /** Its end was noticed. */
  readonly over: boolean;
}

export interface SmallRecords {
  readonly common: CommonName;
  readonly digest: Digest;
  readonly heartbeat: Heartbeat;
  readonly late: Lateness;
  readonly parting: Parting;
  readonly chronic: Chronic;
  readonly silence: KeptSilence;
}

/** What begins the keys of its records. */
export type SmallKind = keyof SmallRecords;

/** Where a lane's state has them, by the rest of their keys. */
export const SMALL = {
  common: 'commonNames',
  digest: 'digests',
  heartbeat: 'heartbeats',
  late: 'lateness',
  parting: 'partings',
  chronic: 'chronic',
  silence: 'silences',
} as const satisfies Record<SmallKind, string>;

export function isSmallKind(kind: string): kind is SmallKind {
  return Object.hasOwn(SMALL, kind);
}

export interface SilenceTest {
  readonly rules: Rules;
  readonly matches: (subject: Subject) => boolean;
}
