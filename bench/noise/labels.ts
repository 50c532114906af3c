/**
 * How the platform's rule authors name things: three habits that are found in the field. Each states
 * its own `normalise.yaml`, because rules adapt to labels, not code.
 */
import { hash32 } from './random.ts';
import type { Level } from './checks.ts';
import type { Environment } from './platform.ts';
import type { Firing } from './world.ts';

export type Labels = Readonly<Record<string, string>>;

export interface LabelStyle {
  readonly name: LabelStyleName;
  readonly labels: (firing: Firing, serviceName: string) => Labels;
  readonly annotations: (firing: Firing) => Labels;
  /** Of the Alertmanager receiver that sends to Quell. */
  readonly receiver: {
    readonly groupBy: readonly string[] | 'all';
    readonly groupWaitMs: number;
    readonly groupIntervalMs: number;
    readonly repeatIntervalMs: number;
  };
  /** The label in which a baseline finds the service. */
  readonly serviceLabel: string;
  readonly environmentLabel: string;
  readonly normalise: string;
}

export const LABEL_STYLES = ['plain', 'kube', 'legacy'] as const;
export type LabelStyleName = (typeof LABEL_STYLES)[number];

const HOURS_4 = 4 * 3_600_000;
const NODE_CHECK = 'NodeDown';

const PLAIN: LabelStyle = {
  name: 'plain',
  serviceLabel: 'service',
  environmentLabel: 'env',
  receiver: {
    groupBy: ['alertname', 'service', 'env'],
    groupWaitMs: 5_000,
    groupIntervalMs: 30_000,
    repeatIntervalMs: HOURS_4,
  },
  labels: (firing, service) => ({
    alertname: firing.check.name,
    ...(firing.component === undefined ? {} : { component: firing.component }),
    env: firing.environment,
    ...(firing.host === undefined ? {} : { instance: `${firing.host}:${port(firing)}` }),
    job: firing.check.name === NODE_CHECK ? 'node' : `checks-${firing.check.kind}`,
    ...(firing.check.name === NODE_CHECK ? {} : { service }),
    severity: firing.level === 'high' ? 'major' : firing.level,
    ...(firing.transactions[0] === undefined ? {} : { transaction_id: firing.transactions[0] }),
  }),
  annotations: (firing) => {
    const more = firing.transactions.slice(1).map((id) => ` transaction_id=${id}`);
    return {
      description: `${summary(firing)}. Seen by the ${firing.check.kind} checks.${more.join('')}`,
      runbook_url: runbook(firing),
      summary: summary(firing),
    };
  },
  normalise: `# The facts in the labels of this platform.
service: [labels.service, labels.job]
environment: [labels.env]
severity: { from: [labels.severity], map: { major: high } }
host: [labels.instance]
transaction: [labels.transaction_id, { text: 'transaction_id=(?P<id>tid_\\S+)' }]
`,
};

const KUBE_ENVIRONMENTS: Record<Environment, string> = {
  production: 'prod',
  staging: 'stage',
  test: 'test',
};
const KUBE_PRIORITIES: Record<Level, string> = {
  critical: 'P1',
  high: 'P2',
  warning: 'P3',
  info: 'P4',
};

const KUBE: LabelStyle = {
  name: 'kube',
  serviceLabel: 'app',
  environmentLabel: 'environment',
  receiver: { groupBy: 'all', groupWaitMs: 0, groupIntervalMs: 60_000, repeatIntervalMs: HOURS_4 },
  labels: (firing, service) => ({
    alertname: firing.check.name,
    ...(firing.check.name === NODE_CHECK ? {} : { app: service }),
    cluster: `k8s-${KUBE_ENVIRONMENTS[firing.environment]}`,
    ...(firing.component === undefined ? {} : { container: firing.component }),
    environment: KUBE_ENVIRONMENTS[firing.environment],
    ...(firing.host === undefined ? {} : { node: firing.host }),
    ...(firing.host === undefined || firing.check.name === NODE_CHECK ? {} : { pod: pod(firing) }),
    priority: KUBE_PRIORITIES[firing.level],
  }),
  annotations: (firing) => ({
    message: `${summary(firing)}.`,
    runbook: runbook(firing),
    ...(firing.transactions.length === 0 ? {} : { trace_id: firing.transactions.join(',') }),
  }),
  normalise: `# The facts in the labels of this platform.
service: [labels.app]
environment: { from: [labels.environment], map: { prod: production, stage: staging } }
severity: { from: [labels.priority], map: { P1: critical, P2: high, P3: warning, P4: info } }
host: [labels.node]
transaction: [annotations.trace_id]
`,
};

const LEGACY_ENVIRONMENTS: Record<Environment, string> = {
  production: 'live',
  staging: 'preprod',
  test: 'qa',
};
const LEGACY_SEVERITIES: Record<Level, string> = {
  critical: 'page',
  high: 'urgent',
  warning: 'ticket',
  info: 'notice',
};

const LEGACY: LabelStyle = {
  name: 'legacy',
  serviceLabel: 'kubernetes_name',
  environmentLabel: 'kubernetes_namespace',
  receiver: {
    groupBy: ['alertname', 'kubernetes_namespace'],
    groupWaitMs: 10_000,
    groupIntervalMs: 60_000,
    repeatIntervalMs: HOURS_4,
  },
  labels: (firing, service) => ({
    alertname: firing.check.name,
    ...(firing.host === undefined
      ? {}
      : { instance: `${firing.host}.dc1.example.net:${port(firing)}` }),
    ...(firing.check.name === NODE_CHECK ? {} : { kubernetes_name: service }),
    kubernetes_namespace: LEGACY_ENVIRONMENTS[firing.environment],
    severity: LEGACY_SEVERITIES[firing.level],
    ...(firing.component === undefined ? {} : { slot: firing.component }),
  }),
  annotations: (firing) => ({
    description: `${summary(firing)}${firing.transactions.map((id) => ` (x_request_id=${id})`).join('')}`,
    summary: firing.check.name,
  }),
  normalise: `# The facts in the labels of this platform.
service: [labels.kubernetes_name]
environment: { from: [labels.kubernetes_namespace], map: { live: production, preprod: staging, qa: test } }
severity: { from: [labels.severity], map: { page: critical, urgent: high, ticket: warning, notice: info } }
host: [labels.instance]
transaction: [{ text: 'x_request_id=(?P<id>tid_[a-z0-9]+)' }]
`,
};

export function labelStyle(name: LabelStyleName): LabelStyle {
  return { plain: PLAIN, kube: KUBE, legacy: LEGACY }[name];
}

function summary({ check, service, host }: Firing): string {
  return check.summary.replace('{service}', service).replace('{host}', host ?? 'its hosts');
}

function runbook({ service }: Firing): string {
  return `https://wiki.example.com/runbooks/${service}`;
}

/** Each service has its own port; the host's own exporter has the usual one. */
function port({ check, service }: Firing): number {
  return check.name === NODE_CHECK ? 9_100 : 8_000 + (hash32(service) % 1_000);
}

function pod({ service, host }: Firing): string {
  const id = hash32(`${service}/${host}`).toString(36).slice(0, 5);
  return `${service}-${hash32(service).toString(36).slice(0, 6)}-${id}`;
}
