/**
 * What an incident looks like to people: the ingredients of its Slack message, its page and its API
 * answer, gathered from the state. Wording and mark-up are the renderer's (slack/message.ts).
 *
 * Every string in it comes from outside and may contain anything.
 */
import type { Instant, Mark, Phase, RootCandidate, Severity } from './model.ts';

export interface MessageView {
  readonly incident: string;
  readonly revision: number;
  readonly phase: Phase;
  readonly special: 'storm' | 'heartbeat' | undefined;
  readonly severity: Severity;
  readonly environment: string;
  readonly startsAt: Instant;
  readonly resolvedAt: Instant | undefined;
  /** When this view was taken: "6 min" is counted from here. */
  readonly now: Instant;
  /** The alert that speaks for the incident: the root's first one. */
  readonly lead: {
    readonly name: string;
    readonly service: string;
    readonly summary: string | undefined;
    readonly description: string | undefined;
    readonly host: string | undefined;
    readonly impact: string | undefined;
  };
  readonly root:
    | (RootCandidate & { readonly tier: number | undefined; readonly owner: string | undefined })
    | undefined;
  /** The other candidates, best first. */
  readonly otherRoots: readonly RootCandidate[];
  /** Services with alerts, the most hit first, at most ten. */
  readonly services: readonly {
    readonly name: string;
    readonly firing: number;
    readonly alerts: number;
  }[];
  readonly servicesTotal: number;
  readonly alerts: { readonly firing: number; readonly total: number };
  /** Kinds of alert (alertname) with counts, most first, at most five. */
  readonly kinds: readonly { readonly name: string; readonly alerts: number }[];
  readonly capabilities: readonly string[];
  readonly transactions: { readonly ids: readonly string[]; readonly total: number };
  readonly owner: string | undefined;
  readonly links: {
    readonly runbook: string | undefined;
    readonly dashboard: string | undefined;
    readonly source: string | undefined;
    readonly logs: string | undefined;
    /** Of Quell itself, when it knows its public address. */
    readonly explain: string | undefined;
  };
  /** Slack ids to mention: on the first post only. */
  readonly mention: readonly string[];
  readonly acknowledged: readonly Mark[];
  readonly solved: Mark | undefined;
  readonly snoozed: { readonly by: string; readonly until: Instant } | undefined;
  readonly notActionable: readonly Mark[];
  readonly escalated: number;
  readonly reopened: number;
  /** Alerts of it that flap, and how often they fired. */
  readonly flapping: { readonly alerts: number; readonly episodes: number } | undefined;
  readonly mergedInto: string | undefined;
  /** A storm: how many incidents it stands for. */
  readonly storm: { readonly incidents: number } | undefined;
  /** A lost heartbeat. */
  readonly heartbeat:
    | { readonly name: string; readonly lastSeenAt: Instant | undefined }
    | undefined;
  readonly toldBecause: string | undefined;
  /** Slack user id -> name, for places that cannot show a Slack mention. */
  readonly people: ReadonlyMap<string, string>;
  readonly emoji: {
    readonly acknowledge: string;
    readonly solved: string;
    readonly snooze: string;
    readonly notActionable: string;
  };
}
