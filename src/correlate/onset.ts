/**
 * When what an alert tells of began: Prometheus has a condition hold for a while (`for:`) before it fires, and
 * `startsAt` says when it fired. One failure of a node so alerts after 2, 10 and 15 minutes, although all began at once.
 *
 * No source sends its `for:`, but texts often say it ("not ready for longer than 15 minutes"). Of the rules that
 * nearly every Kubernetes cluster has (kube-prometheus) it is known by name.
 */
import type { Alert, Instant } from '../model.ts';

/** Longer waits are about something slow, which began whenever. */
const PENDING_MAX_MS = 60 * 60_000;

const MINUTE_MS = 60_000;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: MINUTE_MS, h: 60 * MINUTE_MS };

const LASTED =
  /\bfor (?:at least|over|(?:more|longer) than)(?: the last)? (?:(\d{1,4}) ?(s|m|h)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?|(an hour))\b/;

const ANNOTATIONS = ['description', 'summary', 'message'] as const;

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
export function onsetOf(alert: Pick<Alert, 'facts' | 'annotations' | 'startsAt'>): Instant {
  return alert.startsAt - pendingMs(alert);
}

function pendingMs({ facts, annotations }: Pick<Alert, 'facts' | 'annotations'>): number {
  for (const name of ANNOTATIONS) {
    const said = LASTED.exec(annotations[name] ?? '');
    if (said === null) continue;
    const [, count, unit] = said;
    const ms = count === undefined ? PENDING_MAX_MS : Number(count) * (UNITS_MS[unit ?? ''] ?? 0);
    return ms <= PENDING_MAX_MS ? ms : 0;
  }
  return KNOWN_MS.get(facts.name) ?? 0;
}
