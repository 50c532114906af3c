/**
 * The third world's alerting rules: expressions over what Prometheus would see, each with its `for:`.
 *
 * Names, labels and thresholds are those of kube-prometheus and of the exporters' own collections, with
 * the waits that teams shorten them to. Each speaks of what its metric knows: a pod, a node's address, a
 * consumer group, a URL; rarely of the service as the catalog calls it.
 */
import {
  ofBroker,
  ofCache,
  ofCluster,
  ofDatabase,
  ofNode,
  ofPod,
  ofWorkload,
} from './calls-infra.ts';
import type { Platform, Service } from './calls-platform.ts';
import { at, daily, get } from './calls-state.ts';
import { type Look, make, type Watch } from './calls-watch.ts';
import { hash32 } from './random.ts';

export function watches(platform: Platform): Watch[] {
  return [
    ...platform.services.flatMap((it) => ofService(platform, it)),
    ...platform.pods.flatMap((_, p) => ofPod(platform, p)),
    ...platform.nodes.flatMap((_, n) => ofNode(platform, n)),
    ...ofCluster(),
  ];
}

function ofService(platform: Platform, it: Service): Watch[] {
  if (it.kind === 'external') return ofOutside(platform, it);
  const own = {
    app: [...ofApp(platform, it), ...ofFront(platform, it)],
    consumer: [...ofApp(platform, it), ...ofConsumer(it)],
    database: ofDatabase(it),
    cache: ofCache(it),
    broker: ofBroker(it),
  }[it.kind];
  return [...own, ...ofWorkload(it)];
}

function ofApp({ services }: Platform, it: Service): Watch[] {
  const s = it.index;
  const team = hash32(it.owner) % 2 === 0 ? { team: it.owner } : {};
  const found = make(
    [
      ['HighErrorRate', 'warning', 2, ({ state }) => get(state.err5, s) > 0.03],
      ['HighErrorRate', 'critical', 2, ({ state }) => get(state.err5, s) > 0.2],
      ['HighLatencyP99', 'warning', 3, ({ state }) => get(state.tail5, s) > it.slowMs],
    ],
    it,
    () => ({ app: it.name, namespace: it.namespace, ...team }),
  );
  const pooled = it.edges.some(({ to }) => at(services, to).kind === 'database');
  if (pooled)
    found.push(
      ...make(
        [['HikariPoolExhausted', 'warning', 2, ({ state }) => get(state.pool, s) > 0.95]],
        it,
        () => ({
          application: it.name,
          namespace: it.namespace,
          pool: 'HikariPool-1',
        }),
      ),
    );
  if (it.tier === 1 && !it.staging) found.push(...ofObjective(it));
  return found;
}

/** As Sloth writes them. */
function ofObjective(it: Service): Watch[] {
  const s = it.index;
  return make(
    [
      [
        'ErrorBudgetBurn',
        'critical',
        2,
        ({ state }) => get(state.err60, s) > 0.07 && get(state.err5, s) > 0.07,
      ],
      [
        'ErrorBudgetBurn',
        'warning',
        5,
        ({ state }) => get(state.err360, s) > 0.03 && get(state.err60, s) > 0.03,
      ],
      [
        'TrafficDropped',
        'warning',
        5,
        ({ state, t }) => it.kind === 'app' && get(state.rate, s) < 0.2 * it.normalRps * daily(t),
      ],
    ],
    it,
    () => ({
      sloth_service: it.name,
      sloth_slo: 'availability',
      sloth_id: `${it.name}-availability`,
    }),
  );
}

const FRONT_DOORS: Readonly<Record<string, string>> = {
  'web-portal': 'https://www.clinic.example/',
  'mobile-bff': 'https://mobile.clinic.example/healthz',
  'partner-api': 'https://partners.clinic.example/v1/status',
  'staff-console': 'https://staff.clinic.example/login',
};

function ofFront({ services, index }: Platform, it: Service): Watch[] {
  const url = FRONT_DOORS[it.name];
  const edge = services[index.get('ingress-nginx') ?? -1];
  if (url === undefined || edge === undefined || it.staging) return [];
  const s = it.index;
  const failing = ({ state, bend }: Look): number =>
    Math.max(
      get(state.err2, s),
      get(bend.services.reach, s),
      get(state.out, edge.index) > 0 ? 1 : 0,
      get(bend.services.reach, edge.index),
      get(bend.services.fail, edge.index),
    );
  return [
    ...make([['ProbeFailed', 'critical', 1, (look) => failing(look) > 0.5]], it, () => ({
      job: 'blackbox',
      instance: url,
      namespace: 'monitoring',
    })),
    ...make(
      [
        [
          'NginxIngress5xx',
          'critical',
          2,
          (look) => failing(look) > 0.1 && get(look.state.out, edge.index) === 0,
        ],
      ],
      it,
      () => ({
        controller_class: 'k8s.io/ingress-nginx',
        ingress: it.name,
        exported_namespace: it.namespace,
        namespace: 'edge',
      }),
    ),
  ];
}

function ofConsumer(it: Service): Watch[] {
  const s = it.index;
  const behindS = ({ state }: Look): number =>
    get(state.lag, s) / Math.max(0.5, get(state.flow, s));
  return make(
    [
      ['KafkaConsumerLag', 'warning', 5, (look) => behindS(look) > 120],
      ['KafkaConsumerLag', 'critical', 5, (look) => behindS(look) > 900],
    ],
    it,
    () => ({
      consumergroup: it.name,
      topic: `${it.reads.length > 1 ? 'clinic' : 'booking'}.events`,
      job: 'kafka-exporter',
      namespace: 'platform',
    }),
  );
}

/** A third party: probed from outside, and missed by whoever calls it. */
function ofOutside({ services }: Platform, it: Service): Watch[] {
  const s = it.index;
  const probe = make(
    [
      ['ProbeFailed', 'warning', 2, ({ state }) => get(state.err, s) > 0.6],
      ['ProbeSlow', 'warning', 3, ({ state }) => get(state.tail5, s) > 5 * it.p99],
    ],
    it,
    () => ({
      job: 'blackbox',
      instance: `https://api.${it.name}.example/status`,
      namespace: 'monitoring',
    }),
  );
  const callers = services.filter(({ edges }) => edges.some(({ to, soft }) => to === s && !soft));
  const missed = callers.flatMap((caller) =>
    make(
      [['UpstreamErrors', 'warning', 2, ({ state }) => get(state.err5, s) > 0.2]],
      caller,
      () => ({
        app: caller.name,
        namespace: caller.namespace,
        upstream: `api.${it.name}.example`,
      }),
    ),
  );
  return [...probe, ...missed];
}
