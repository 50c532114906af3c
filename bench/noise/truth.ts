/**
 * What really happened in a recording: the answers against which messages are scored.
 *
 * Only the scorer and the baselines' set-up read it. A firing is known by its labels and the time at
 * which it started; a second Alertmanager whose clock differs may state a start some seconds off.
 */
import type { EventKind } from './world.ts';
import type { LabelStyleName } from './labels.ts';

export interface TruthEvent {
  readonly id: string;
  readonly kind: EventKind;
  /** Somebody must act on it. */
  readonly actionable: boolean;
  readonly environment: string;
  /** The service that failed first, by its name in the catalog, where there is one such service. */
  readonly root?: string;
  /** The worst of its firings. */
  readonly severity: string;
  /** It has a critical firing of a tier-1 service. */
  readonly urgent: boolean;
  readonly startsAt: string;
  readonly endsAt: string;
  /** Nobody could be told before: its alerts were muted by a maintenance window. */
  readonly mutedUntil?: string;
  /** Firings that were delivered. */
  readonly firings: number;
}

export interface TruthFiring {
  /** More than one for a symptom that two failures share: either is right. */
  readonly events: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly severity: string;
  readonly startsAt: string;
  readonly endsAt: string;
  /** When it was first delivered as firing; absent when it came and went between two deliveries. */
  readonly seenAt?: string;
}

export interface Truth {
  readonly format: 1;
  readonly seed: string;
  readonly days: number;
  readonly services: number;
  readonly style: LabelStyleName;
  readonly from: string;
  readonly to: string;
  /** Names that labels use for a service -> its name in the catalog. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly events: readonly TruthEvent[];
  readonly firings: readonly TruthFiring[];
}
