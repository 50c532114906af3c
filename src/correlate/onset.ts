/**
 * When the condition behind an alert began. Prometheus waits for a while (`for:`) before it fires, and `startsAt`
 * is when it fired: one failed node so gives alerts 2, 10 and 15 minutes later, although all began at once.
 *
 * No source sends its `for:`. It is known by name for the rules that nearly every Kubernetes cluster has
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

/** When the first of what an incident holds began, as far as that is known. */
export function beganOf({ beganAt, startsAt }: Incident): Instant {
  return beganAt ?? startsAt;
}
