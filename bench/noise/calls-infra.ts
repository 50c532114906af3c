/**
 * The third world's rules for what runs below its services: stores, pods, nodes, jobs, DNS, certificates.
 * Names and labels are those of kube-prometheus and of the exporters' own collections.
 */
import type { Platform, Service } from './calls-platform.ts';
import { at, type Bend, get, isAlive, type State, STEPS_A_MINUTE } from './calls-state.ts';
import { type Look, make, type Severity, type Watch } from './calls-watch.ts';
import { hash32 } from './random.ts';

export const JOBS: Readonly<Record<string, string>> = {
  'billing-close': 'money',
  'roster-import': 'booking',
  'report-build': 'platform',
  'booking-db-backup': 'booking',
  'consent-purge': 'identity',
};

/** What the exporter's collection calls it. */
function familyOf({ name }: Service): { readonly word: string; readonly port: number } {
  if (name === 'search-index') return { word: 'Elasticsearch', port: 9114 };
  return name === 'object-store' ? { word: 'Minio', port: 9000 } : { word: 'Postgres', port: 9187 };
}

export function ofDatabase(it: Service): Watch[] {
  const s = it.index;
  const { word, port } = familyOf(it);
  const exporter = { job: `${word.toLowerCase()}-exporter`, namespace: it.namespace };
  const replicas = Array.from(
    { length: it.replicas },
    (_, i) => `${it.name}-${i}.${it.name}.${it.namespace}.svc:${port}`,
  );
  const downs = replicas.flatMap((instance, i) =>
    make(
      [[`${word}Down`, 'critical', 1, ({ state, bend }) => !isUp(state, bend, it.firstPod + i)]],
      it,
      () => ({ ...exporter, instance }),
    ),
  );
  const first = make(
    [
      [`${word}TooManyConnections`, 'warning', 2, ({ state }) => get(state.conn, s) > 0.8],
      [`${word}TooManyConnections`, 'critical', 2, ({ state }) => get(state.conn, s) > 0.97],
      [`${word}SlowQueries`, 'warning', 3, ({ state }) => get(state.tail5, s) > 5 * it.slowMs],
      [`${word}LocksWaiting`, 'warning', 2, ({ bend }) => get(bend.services.lock, s) > 300],
    ],
    it,
    () => ({ ...exporter, instance: replicas[0] ?? '' }),
  );
  const lag = make(
    [
      [
        `${word}ReplicationLag`,
        'warning',
        4,
        ({ state }) => it.replicas > 1 && get(state.cpu5, s) > 0.9,
      ],
    ],
    it,
    () => ({
      ...exporter,
      instance: replicas[1] ?? '',
    }),
  );
  const disk = make(
    [
      ['KubePersistentVolumeFillingUp', 'warning', 5, ({ state }) => get(state.disk, s) > 0.85],
      ['KubePersistentVolumeFillingUp', 'critical', 1, ({ state }) => get(state.disk, s) > 0.97],
    ],
    it,
    () => ({ namespace: it.namespace, persistentvolumeclaim: `data-${it.name}-0`, job: 'kubelet' }),
  );
  return [...downs, ...first, ...lag, ...disk];
}

export function ofCache(it: Service): Watch[] {
  const s = it.index;
  return make(
    [
      ['RedisDown', 'critical', 1, ({ state }) => get(state.out, s) > 0],
      ['RedisHitRateLow', 'warning', 3, ({ state }) => get(state.hit, s) < 0.6],
      ['RedisCpuHigh', 'warning', 3, ({ state }) => get(state.cpu5, s) > 0.9],
    ],
    it,
    () => ({ job: 'redis-exporter', instance: `redis://${it.name}:6379`, namespace: it.namespace }),
  );
}

export function ofBroker(it: Service): Watch[] {
  const pods = Array.from({ length: it.replicas }, (_, i) => it.firstPod + i);
  const missing = ({ state }: Look): number => pods.filter((p) => !isAlive(state, p)).length;
  return make(
    [
      ['KafkaBrokersMissing', 'critical', 1, (look) => missing(look) > 0],
      [
        'KafkaUnderReplicatedPartitions',
        'warning',
        2,
        (look) => missing(look) > 0 || get(look.bend.services.stuck, it.index) > 0,
      ],
    ],
    it,
    () => ({ job: 'kafka-exporter', namespace: it.namespace }),
  );
}

const STATE_METRICS = {
  job: 'kube-state-metrics',
  service: 'kube-state-metrics',
  instance: '10.42.3.19:8080',
};

export function ofWorkload(it: Service): Watch[] {
  const isSet = isStateful(it);
  const count = (look: Look, isCounted: (p: number) => boolean): number => {
    let counted = 0;
    for (let p = it.firstPod; p < it.firstPod + it.pods; p += 1)
      if (get(look.state.on, p) === 1 && isCounted(p)) counted += 1;
    return counted;
  };
  const share = (look: Look): number => {
    const missing = count(look, (p) => !isUp(look.state, look.bend, p));
    return missing === 0 ? 0 : missing / count(look, () => true);
  };
  const kind = isSet ? 'StatefulSet' : 'Deployment';
  const found = make(
    [
      [
        `Kube${kind}ReplicasMismatch`,
        'warning',
        6,
        (look) => count(look, (p) => !isAlive(look.state, p)) > 0,
      ],
    ],
    it,
    () => ({ ...STATE_METRICS, namespace: it.namespace, [kind.toLowerCase()]: it.name }),
  );
  const targets = make([['TargetDown', 'warning', 5, (look) => share(look) > 0.1]], it, () => ({
    job: it.name,
    namespace: it.namespace,
    service: it.name,
  }));
  if (isSet) return [...found, ...targets];
  const down = make([['ServiceDown', 'critical', 2, (look) => share(look) === 1]], it, () => ({
    job: it.name,
    namespace: it.namespace,
  }));
  if (it.staging || it.kind === 'consumer') return [...found, ...targets, ...down];
  const maxed = make(
    [['KubeHpaMaxedOut', 'warning', 10, (look) => count(look, () => true) === it.pods]],
    it,
    () => ({
      ...STATE_METRICS,
      namespace: it.namespace,
      horizontalpodautoscaler: it.name,
    }),
  );
  return [...found, ...targets, ...down, ...maxed];
}

export function ofPod(platform: Platform, p: number): Watch[] {
  const it = at(platform.services, at(platform.pods, p).service);
  const name = (look: Look) => podName(platform, look.state, p);
  const on = (look: Look): boolean => get(look.state.on, p) === 1;
  const since = (values: Float64Array, { t }: Look): number =>
    (t - get(values, p)) / STEPS_A_MINUTE;
  const listed = make(
    [
      [
        'KubePodCrashLooping',
        'warning',
        3,
        (look) =>
          on(look) && get(look.state.crashes, p) >= 3 && since(look.state.crashedAt, look) < 6,
      ],
      ['ContainerOomKilled', 'warning', 0, (look) => on(look) && since(look.state.oomAt, look) < 5],
    ],
    it,
    (look) => ({ ...STATE_METRICS, namespace: it.namespace, pod: name(look), container: it.name }),
  );
  const summed = make(
    [['KubePodNotReady', 'warning', 8, (look) => on(look) && !isAlive(look.state, p)]],
    it,
    (look) => ({ namespace: it.namespace, pod: name(look) }),
  );
  if (isStateful(it)) return [...listed, ...summed];
  const inside = make(
    [
      ['CPUThrottlingHigh', 'info', 8, (look) => on(look) && get(look.state.cpu, p) > 0.9],
      ['ContainerMemoryHigh', 'warning', 3, (look) => on(look) && get(look.state.mem, p) > 0.92],
      [
        'ThreadPoolExhausted',
        'warning',
        2,
        (look) => isAlive(look.state, p) && get(look.state.busy, p) > 0.95,
      ],
    ],
    it,
    (look) => ({ namespace: it.namespace, pod: name(look), container: it.name }),
  );
  return [...listed, ...summed, ...inside];
}

export function ofNode({ nodes }: Platform, n: number): Watch[] {
  const node = at(nodes, n).name;
  const exporter = {
    job: 'node-exporter',
    namespace: 'monitoring',
    instance: `10.20.0.${n + 11}:9100`,
  };
  return [
    ...make(
      [['KubeNodeNotReady', 'critical', 1, ({ state }) => get(state.nodeOut, n) > 3]],
      undefined,
      () => ({ ...STATE_METRICS, namespace: 'monitoring', node, condition: 'Ready' }),
    ),
    ...make(
      [
        ['NodeExporterDown', 'critical', 2, ({ state }) => get(state.nodeOut, n) > 0],
        ['NodeHighCpu', 'warning', 5, ({ state }) => get(state.nodeCpu5, n) > 0.92],
        ['NodeNetworkErrors', 'warning', 3, ({ bend }) => bend.net > 0.2 && n % 3 === 0],
      ],
      undefined,
      () => exporter,
    ),
    ...make(
      [
        [
          'NodeFilesystemAlmostOutOfSpace',
          'warning',
          5,
          ({ state }) => get(state.nodeDisk, n) > 0.85,
        ],
        [
          'NodeFilesystemAlmostOutOfSpace',
          'critical',
          1,
          ({ state }) => get(state.nodeDisk, n) > 0.96,
        ],
      ],
      undefined,
      () => ({ ...exporter, device: '/dev/nvme0n1p1', mountpoint: '/var/lib', fstype: 'ext4' }),
    ),
  ];
}

export function ofCluster(): Watch[] {
  const jobs = Object.entries(JOBS).flatMap(([job, namespace]) =>
    make(
      [['KubeJobFailed', 'warning', 1, ({ bend }) => bend.jobs.has(job)]],
      undefined,
      ({ t }) => ({
        ...STATE_METRICS,
        namespace,
        job_name: `${job}-${29_300_000 + Math.floor(t / STEPS_A_MINUTE / 60) * 60}`,
      }),
    ),
  );
  const dns = make(
    [
      ['CoreDNSLatencyHigh', 'warning', 3, ({ bend }) => bend.dns > 0.3],
      ['CoreDNSErrorsHigh', 'critical', 2, ({ bend }) => bend.dns > 1],
    ],
    undefined,
    () => ({ job: 'kube-dns', namespace: 'kube-system', service: 'kube-dns' }),
  );
  return [...jobs, ...dns, ...certificates()];
}

function certificates(): Watch[] {
  const one = (
    name: string,
    namespace: string,
    holds: Watch['holds'],
    alertname: string,
    severity: Severity,
  ) =>
    make([[alertname, severity, 1, holds]], undefined, () => ({
      job: 'x509-certificate-exporter',
      namespace: 'monitoring',
      secret_name: `${name}-tls`,
      secret_namespace: namespace,
    }));
  return [
    ...Object.entries(CERTIFICATES).flatMap(([name, namespace]) =>
      one(name, namespace, ({ bend }) => bend.expired.has(name), 'CertificateExpired', 'critical'),
    ),
    // Known for weeks.
    ...one('grafana', 'monitoring', ({ t }) => t > 2_000, 'CertificateExpiresSoon', 'warning'),
  ];
}

/** Services with a certificate of their own. */
export const CERTIFICATES: Readonly<Record<string, string>> = {
  'ingress-nginx': 'edge',
  auth: 'identity',
  payments: 'money',
  'partner-api': 'web',
};

export function isStateful({ kind }: Service): boolean {
  return kind === 'database' || kind === 'cache' || kind === 'broker';
}

/** A scrape of it succeeds. */
function isUp(state: State, bend: Bend, p: number): boolean {
  return isAlive(state, p) && get(bend.pods.unseen, p) === 0;
}

/** Each pod of a deployment has a new name; those of a set keep theirs. */
function podName({ services, pods }: Platform, state: State, p: number): string {
  const { service, ordinal } = at(pods, p);
  const { name, key, ...it } = at(services, service);
  if (isStateful({ ...it, name, key })) return `${name}-${ordinal}`;
  return `${name}-${letters(hash32(key), 9)}-${letters(hash32(`${key} ${p} ${get(state.gen, p)}`), 5)}`;
}

/** As Kubernetes does it: without vowels. */
function letters(from: number, length: number): string {
  const all = 'bcdfghjklmnpqrstvwxz2456789';
  let rest = from;
  let out = '';
  for (let i = 0; i < length; i += 1) {
    out += all.charAt(rest % all.length);
    rest = Math.floor(rest / all.length) + i * 7_919;
  }
  return out;
}
