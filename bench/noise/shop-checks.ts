/**
 * The second world's services, and what its monitoring says of them: alerts of a service mesh, and those
 * that come with kube-prometheus, in which kube-state-metrics speaks of pods.
 */
import type { Random } from './random.ts';

/** Who calls whom; the order is from the front to the stores. */
export const CALLS: Readonly<Record<string, readonly string[]>> = {
  frontend: ['catalogue', 'cart', 'user', 'checkout', 'recommendation', 'ads'],
  checkout: ['cart', 'payment', 'shipping', 'user', 'currency', 'email'],
  recommendation: ['catalogue'],
  catalogue: ['catalogue-db'],
  cart: ['cart-redis'],
  user: ['user-db'],
  payment: ['currency'],
  shipping: ['rabbitmq', 'currency'],
  'queue-master': ['rabbitmq'],
  email: [],
  currency: [],
  ads: [],
  'catalogue-db': [],
  'cart-redis': [],
  'user-db': [],
  rabbitmq: [],
};
export const SERVICES = Object.keys(CALLS);
export const NAMESPACE = 'shop';
export const NODES = ['node-1', 'node-2', 'node-3', 'node-4'];

export type Severity = 'critical' | 'warning' | 'info';
/** What an alert says of a service: measured by the mesh, or seen by kube-state-metrics on a pod. */
export interface Kind {
  readonly name: string;
  readonly from: 'mesh' | 'pod' | 'workload';
  readonly severity: Severity;
}
const kind = (name: string, from: Kind['from'], severity: Severity): Kind => ({
  name,
  from,
  severity,
});
export const ERRORS = kind('HighErrorRate', 'mesh', 'critical');
export const SOME_ERRORS = kind('ElevatedErrorRate', 'mesh', 'warning');
export const SLOW = kind('HighRequestLatency', 'mesh', 'warning');
const NO_TRAFFIC = kind('NoTraffic', 'mesh', 'warning');
const CRASHING = kind('KubePodCrashLooping', 'pod', 'warning');
export const NOT_READY = kind('KubePodNotReady', 'pod', 'warning');
export const OOM = kind('ContainerOomKilled', 'pod', 'warning');
const MISMATCH = kind('KubeDeploymentReplicasMismatch', 'workload', 'warning');
const DOWN = kind('ServiceDown', 'workload', 'critical');
export const CPU = kind('ContainerCpuHigh', 'pod', 'warning');
export const MEMORY = kind('ContainerMemoryHigh', 'pod', 'warning');
export const THROTTLED = kind('CPUThrottlingHigh', 'pod', 'info');

/** What breaks, and what its own checks say, the surest first. */
export const FAULTS: readonly (readonly Kind[])[] = [
  [CRASHING, ERRORS, MISMATCH, NOT_READY],
  [DOWN, NOT_READY, MISMATCH],
  [SLOW, CPU, ERRORS],
  [OOM, CRASHING, MEMORY, SOME_ERRORS],
  [SOME_ERRORS, SLOW],
  [NO_TRAFFIC, ERRORS],
  [SLOW, MEMORY],
];
export const FELT = [ERRORS, SOME_ERRORS, SLOW, SLOW] as const;
export const BLIPS = [SLOW, SLOW, SOME_ERRORS, CPU, MEMORY, NOT_READY, CRASHING, ERRORS, THROTTLED];

/** The labels of a new alert; a pod has another name each time. */
export function labelsOf(
  it: Kind,
  service: string,
  node: string | undefined,
  random: Random,
): Readonly<Record<string, string>> {
  const base = {
    alertname: it.name,
    namespace: NAMESPACE,
    severity: it.severity,
    prometheus: 'monitoring/k8s',
  };
  const seen = {
    job: 'kube-state-metrics',
    service: 'kube-state-metrics',
    instance: '10.42.0.17:8080',
  };
  const pod = `${service}-${podHash(random, 9)}-${podHash(random, 5)}`;
  const on = node === undefined ? {} : { node };
  return {
    mesh: { ...base, destination_workload: service, reporter: 'destination' },
    pod: { ...base, ...seen, ...on, pod, container: 'server' },
    workload: { ...base, ...seen, deployment: service },
  }[it.from];
}

/** As Kubernetes does it: without vowels. */
function podHash(random: Random, length: number): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  const letter = (): string => letters.charAt(random.int(0, letters.length - 1));
  return Array.from({ length }, letter).join('');
}
