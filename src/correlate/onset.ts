/**
 * When the condition behind an alert began. Prometheus waits for a while (`for:`) before it fires, and `startsAt`
 * is when it fired: one failed node so gives alerts 2, 10 and 15 minutes later, although all began at once.
 *
 * No source sends its `for:`. What is usual is known by name for the rules that nearly every Kubernetes cluster has
 * (kube-prometheus).
 */
import type { Alert, Incident, Instant } from '../model.ts';

const MINUTE_MS = 60_000;

function minutes(ms: number, names: string): readonly (readonly [string, number])[] {
  return names.split(' ').map((name) => [name, ms * MINUTE_MS]);
}

/** The `for:` of kube-prometheus' rules, of those that tell of something that fails. */
const KNOWN_MS: ReadonlyMap<string, number> = new Map([
  ...minutes(15, 'KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch'),
  ...minutes(15, 'KubeDeploymentGenerationMismatch KubeDeploymentRolloutStuck'),
  ...minutes(15, 'KubeStatefulSetReplicasMismatch KubeStatefulSetGenerationMismatch'),
  ...minutes(15, 'KubeStatefulSetUpdateNotRolledOut KubeDaemonSetRolloutStuck'),
  ...minutes(15, 'KubeNodeNotReady KubeNodeUnreachable KubeletDown KubeAPIDown KubeProxyDown'),
  ...minutes(15, 'KubeSchedulerDown KubeControllerManagerDown KubeClientErrors CoreDNSDown'),
  ...minutes(10, 'TargetDown KubeDaemonSetNotScheduled CoreDNSErrorsHigh CoreDNSLatencyHigh'),
]);

/** By its source's clock. */
export function onsetOf({ facts, startsAt }: Pick<Alert, 'facts' | 'startsAt'>): Instant {
  return startsAt - (KNOWN_MS.get(facts.name) ?? 0);
}

type Began = Pick<Incident, 'beganAt' | 'startsAt'>;

/** When the first of what an incident holds began at the earliest, as far as that is known. */
export function beganOf({ beganAt, startsAt }: Began): Instant {
  return beganAt ?? startsAt;
}

/**
 * How far apart two began. Many teams shorten the usual waits, and nobody says so: what was sent counts as well as
 * what is usual, whichever is nearer.
 */
export function beganApart(one: Began, other: Began): number {
  return Math.min(beganFrom(one, other.startsAt), beganFrom(one, beganOf(other)));
}

/** The same from a moment. */
export function beganFrom(one: Began, at: Instant): number {
  return Math.min(Math.abs(one.startsAt - at), Math.abs(beganOf(one) - at));
}
