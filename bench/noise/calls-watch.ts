/**
 * What a rule of the third world is: an expression over what Prometheus would see, and its `for:`.
 */
import type { Labels } from './labels.ts';
import type { Service } from './calls-platform.ts';
import { type Bend, type State, STEPS_A_MINUTE, type World } from './calls-state.ts';

export type Severity = 'critical' | 'warning' | 'info';
export interface Look {
  readonly world: World;
  readonly state: State;
  readonly bend: Bend;
  readonly t: number;
}
/** One rule for one thing. */
export interface Watch {
  readonly alertname: string;
  readonly severity: Severity;
  readonly forSteps: number;
  /** The service that it speaks of, if any: only for its tier and environment. */
  readonly service: Service | undefined;
  readonly holds: (look: Look) => boolean;
  readonly labels: (look: Look) => Labels;
}

export type Spec = readonly [
  alertname: string,
  severity: Severity,
  minutes: number,
  holds: Watch['holds'],
];

export function make(
  specs: readonly Spec[],
  service: Service | undefined,
  labels: Watch['labels'],
): Watch[] {
  return specs.map(([alertname, severity, minutes, holds]) => ({
    alertname,
    severity,
    forSteps: minutes * STEPS_A_MINUTE,
    service,
    holds,
    labels: (look) => ({
      alertname,
      severity,
      cluster: 'eu-1',
      prometheus: 'monitoring/k8s',
      ...labels(look),
    }),
  }));
}
