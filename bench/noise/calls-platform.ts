/**
 * The third world's platform: clinics book appointments. Who calls whom in which share of its requests,
 * and what runs where.
 *
 * Only the structure is written down. How many requests a pod can take, how many threads and connections
 * it has, and when a caller gives up follow from the load of a normal noon, as a team would size it.
 */
import { hash32 } from './random.ts';

export type Kind = 'app' | 'consumer' | 'database' | 'cache' | 'broker' | 'external';

/** `name kind pods p99 owner tier: callee share, ...`; after a share `soft` (it can do without) or `via CACHE`. */
const SERVICES = `
edge ingress-nginx app 4 4 platform 1: web-portal .33, mobile-bff .53, partner-api .06, staff-console .08
web web-portal app 6 60 web 1: auth .8, slots-search .35, booking .12, patients .2, documents .05, feature-flags 1 soft
web mobile-bff app 8 50 mobile 1: auth .6, slots-search .3, booking .15, patients .25, lab-results .1, video .03, feature-flags 1 soft
web partner-api app 3 50 partners 2: auth 1, slots-search .6, booking .3, insurance .1
web staff-console app 3 90 clinics 2: auth 1, schedule .5, checkin .3, patients .4, billing .1, reporting .03, triage .1
identity auth app 6 15 identity 1: session-redis 1, auth-db .2 via session-redis, consent .1
identity consent app 2 15 identity 2: auth-db 1
booking booking app 6 70 booking 1: schedule 1, patients .5, payments .4, insurance .2 soft, kafka 1, booking-db 1
booking schedule app 5 35 booking 1: slots-redis 1, booking-db .4 via slots-redis, clinics .3, practitioners .4
booking slots-search app 6 60 booking 2: search-index 1 via slots-redis, slots-redis 1, geo .3 soft, practitioners .1
booking checkin app 2 45 clinics 2: booking-db 1, patients 1, kafka .5
booking waitlist consumer 2 60 booking 3: booking-db 1, schedule 1
booking calendar-sync consumer 2 80 partners 3: calendar-cloud 1, booking-db .5
booking reminders consumer 3 40 comms 2: patients 1, notify 1
clinical patients app 5 25 records 1: patients-db 1, consent .2
clinical practitioners app 3 20 records 2: clinical-db 1
clinical clinics app 2 20 clinics 2: clinical-db 1
clinical lab-results app 3 70 records 2: clinical-db 1, documents .3, lab-hub .2
clinical prescriptions app 3 50 records 2: clinical-db 1, patients 1
clinical documents app 3 90 records 2: object-store 1, clinical-db .5
clinical triage app 2 80 clinics 2: patients 1, prescriptions .5
clinical video app 3 60 video 2: booking .3, session-redis 1
money payments app 4 60 money 1: paygate 1, billing-db 1, fraud 1 soft, kafka .5
money fraud app 2 40 money 3: billing-db 1
money billing app 2 50 money 2: billing-db 1, patients .5
money insurance app 3 60 money 2: insurer-hub 1, patients .5
money invoicing consumer 2 120 money 3: billing-db 1, documents 1, mail-sender 1
comms notify app 3 20 comms 2: mail-sender .6, sms-sender .3, push .5 soft
comms mail-sender app 2 40 comms 3: mailpost 1
comms sms-sender app 2 40 comms 3: textline 1
comms push app 2 30 mobile 3:
platform feature-flags app 3 8 platform 2: flags-redis 1
platform geo app 2 25 booking 3: maphub .1 soft
platform audit consumer 2 30 platform 3: audit-db 1
platform reporting app 2 400 data 3: audit-db 1, billing-db .3
platform search-indexer consumer 2 50 data 3: search-index 1, booking-db .3
platform kafka broker 3 6 platform 1:
platform search-index database 3 30 data 2:
platform object-store database 3 30 platform 2:
identity auth-db database 2 6 identity 1:
booking booking-db database 3 8 booking 1:
clinical clinical-db database 2 8 records 2:
clinical patients-db database 2 6 records 1:
money billing-db database 2 8 money 1:
platform audit-db database 1 12 platform 3:
identity session-redis cache 2 2 identity 1:
booking slots-redis cache 2 2 booking 2:
platform flags-redis cache 1 2 platform 3:
- paygate external 0 300 - 0:
- insurer-hub external 0 500 - 0:
- mailpost external 0 150 - 0:
- textline external 0 200 - 0:
- maphub external 0 120 - 0:
- calendar-cloud external 0 250 - 0:
- lab-hub external 0 350 - 0:
staging web-portal app 1 60 web 3: auth .8, booking .2, patients .2
staging booking app 1 70 booking 3: schedule 1, patients .5, payments .4, booking-db 1
staging schedule app 1 35 booking 3: booking-db 1
staging patients app 1 25 records 3: patients-db 1
staging payments app 1 60 money 3: booking-db 1
staging auth app 1 15 identity 3: patients-db .3
staging booking-db database 1 8 booking 3:
staging patients-db database 1 6 records 3:
`;

/** Consumer -> who publishes what it reads, and how many messages a request makes. */
const TOPICS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  waitlist: { booking: 0.2, checkin: 0.1 },
  'calendar-sync': { booking: 0.5 },
  reminders: { booking: 0.6 },
  invoicing: { payments: 0.8 },
  audit: { booking: 1, payments: 1, checkin: 1 },
  'search-indexer': { booking: 1 },
};

export interface Edge {
  readonly to: number;
  /** Calls for each request. */
  readonly share: number;
  /** The caller has a fallback. */
  readonly soft: boolean;
  /** The cache that keeps nine of ten of these calls away. */
  readonly via: number | undefined;
  readonly retries: number;
  /** A connection is held for each call under way. */
  readonly pooled: boolean;
  readonly isOutside: boolean;
  timeoutMs: number;
  /** Connections of one pod, to what is pooled. */
  pool: number;
}
export interface Service {
  readonly index: number;
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly kind: Kind;
  readonly owner: string;
  readonly tier: number;
  readonly staging: boolean;
  readonly p99: number;
  readonly replicas: number;
  /** Its pods are `firstPod` to `firstPod + pods - 1`; those beyond `replicas` wait for the autoscaler. */
  readonly firstPod: number;
  readonly pods: number;
  readonly edges: readonly Edge[];
  readonly callers: { readonly from: Service; readonly edge: Edge }[];
  readonly reads: readonly { readonly from: number; readonly share: number }[];
  /** Requests a second at noon. */
  normalRps: number;
  /** Requests a second that one pod can take, and those that it can have under way. */
  podRps: number;
  threads: number;
  connections: number;
  /** Above this its latency is alerted on. */
  slowMs: number;
}
export interface Pod {
  readonly service: number;
  readonly ordinal: number;
}
export interface Platform {
  /** Who calls comes before who is called, except for consumers: those come first. */
  readonly services: readonly Service[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly { readonly name: string; readonly zone: 'a' | 'b' }[];
  readonly index: ReadonlyMap<string, number>;
}

export const NODES = 20;
/** The last two are for staging. */
export const STAGING_NODES = 2;
const NOON_RPS = 380;
const STAGING_RPS = 3;

export function buildPlatform(): Platform {
  const rows = SERVICES.trim().split('\n').map(parseRow);
  const index = new Map<string, number>();
  const sorted = callersFirst(rows);
  for (const [i, row] of sorted.entries()) index.set(row.key, i);
  const pods: Pod[] = [];
  const services = sorted.map((row, i): Service => {
    const find = (name: string): number =>
      index.get(row.staging ? `staging/${name}` : name) ?? fail(`no service "${name}"`);
    const kindOf = (name: string): Kind => sorted[find(name)]?.kind ?? fail(name);
    const firstPod = pods.length;
    const room = row.kind === 'app' && !row.staging ? row.replicas * 2 : row.replicas;
    for (let ordinal = 0; ordinal < room; ordinal += 1) pods.push({ service: i, ordinal });
    return {
      ...row,
      index: i,
      firstPod,
      pods: room,
      edges: row.calls.map(({ to, via, share, soft }) => ({
        to: find(to),
        pooled: POOLED.has(kindOf(to)),
        isOutside: kindOf(to) === 'external',
        share,
        soft,
        via: via === undefined ? undefined : find(via),
        retries: hash32(`${row.key} ${to} retries`) % 3,
        timeoutMs: 0,
        pool: 0,
      })),
      reads: Object.entries(row.staging ? {} : (TOPICS[row.name] ?? {})).map(([from, share]) => ({
        from: find(from),
        share,
      })),
      callers: [],
      normalRps: 0,
      podRps: 0,
      threads: 0,
      connections: 0,
      slowMs: 0,
    };
  });
  const nodes = Array.from({ length: NODES }, (_, i) => ({
    name: `worker-${String(i + 1).padStart(2, '0')}`,
    zone: i % 2 === 0 ? ('a' as const) : ('b' as const),
  }));
  size(services);
  return { services, pods, nodes, index };
}

const POOLED: ReadonlySet<Kind> = new Set(['database', 'cache', 'external']);

type Row = ReturnType<typeof parseRow>;

function parseRow(line: string) {
  const [head = '', tail = ''] = line.split(':');
  const [namespace = '', name = '', kind = 'app', replicas, p99, owner = '', tier] =
    head.split(' ');
  const staging = namespace === 'staging';
  const calls = tail
    .split(',')
    .map((text) => text.trim().split(' '))
    .filter(([to]) => to !== '')
    .map(([to = '', share, how, cache]) => ({
      to,
      share: Number(share),
      soft: how === 'soft',
      via: how === 'via' ? cache : undefined,
    }));
  return {
    key: staging ? `staging/${name}` : name,
    name,
    namespace,
    // The table above holds kinds only.
    kind: kind as Kind,
    replicas: Number(replicas),
    p99: Number(p99),
    owner,
    tier: Number(tier),
    staging,
    calls,
  };
}

function callersFirst(rows: readonly Row[]): Row[] {
  const out: Row[] = [];
  const seen = new Set<Row>();
  const visit = (row: Row): void => {
    if (seen.has(row)) return;
    seen.add(row);
    for (const { to } of row.calls) {
      const callee = rows.find((it) => it.name === to && it.staging === row.staging);
      if (callee !== undefined) visit(callee);
    }
    out.unshift(row);
  };
  // What is visited last comes first: consumers, whose load is known from the step before.
  for (const row of rows.filter(({ kind }) => kind !== 'consumer')) visit(row);
  for (const row of rows) visit(row);
  return out;
}

/** Twice the pods, and four times the threads and connections, that a normal noon needs. */
function size(services: readonly Service[]): void {
  const entry: readonly number[] = services.map(({ key }) =>
    key === 'ingress-nginx' ? NOON_RPS : key === 'staging/web-portal' ? STAGING_RPS : 0,
  );
  let rps: number[] = [];
  // Consumers come first, and read what the pass before has published.
  for (let pass = 0; pass < 3; pass += 1) {
    const before = rps;
    rps = [...entry];
    for (const { index: i, reads, edges } of services) {
      for (const { from, share } of reads) rps[i] = (rps[i] ?? 0) + (before[from] ?? 0) * share;
      for (const { to, share } of edges) rps[to] = (rps[to] ?? 0) + (rps[i] ?? 0) * share;
    }
  }
  const latency = services.map(({ p99 }) => p99);
  for (const service of [...services].reverse()) {
    for (const edge of service.edges)
      latency[service.index] =
        (latency[service.index] ?? 0) + Math.min(1, edge.share) * (latency[edge.to] ?? 0);
  }
  for (const service of services) {
    const { index: i, replicas } = service;
    service.normalRps = rps[i] ?? 0;
    service.slowMs = 2.5 * (latency[i] ?? 0);
    const perPod = service.normalRps / Math.max(1, replicas);
    service.podRps = perPod / 0.5;
    service.threads = Math.max(8, underway(perPod, latency[i]) * 4);
    for (const edge of service.edges) {
      edge.timeoutMs = Math.max(250, 8 * (latency[edge.to] ?? 0));
      edge.pool = Math.max(5, Math.ceil(underway(perPod * edge.share, latency[edge.to]) * 5));
    }
  }
  for (const from of services)
    for (const edge of from.edges) services[edge.to]?.callers.push({ from, edge });
  for (const service of services) {
    const pools = service.callers.reduce(
      (sum, { from, edge }) => sum + edge.pool * from.replicas,
      0,
    );
    service.connections = Math.max(20, 0.9 * pools);
  }
}

/** Little's law; the mean of an exponential is a 4.6th of its 99th percentile. */
function underway(rps: number, p99Ms = 0): number {
  return (rps * p99Ms) / P99_PER_MEAN / 1_000;
}
export const P99_PER_MEAN = 4.6;

function fail(what: string): never {
  throw new RangeError(what);
}

/** What a team wrote down once: some calls were forgotten, one is wrong, nobody thought of third parties but two. */
const FORGOTTEN = new Set([
  'slots-search geo',
  'booking insurance',
  'video booking',
  'patients consent',
  'search-indexer booking-db',
  'lab-results lab-hub',
  'auth consent',
]);
const WRONG = { caller: 'documents', callee: 'patients-db' };
const NOT_LISTED = new Set(['maphub', 'textline', 'calendar-cloud', 'lab-hub', 'flags-redis']);

export function catalog({ services }: Platform): string {
  const nameOf = (i: number): string => services[i]?.name ?? '';
  const lines = services
    .filter(({ name, staging }) => !staging && !NOT_LISTED.has(name))
    .map(({ name, owner, tier, edges, kind }) => {
      const calls = edges
        .map(({ to }) => nameOf(to))
        .filter((to) => !NOT_LISTED.has(to) && !FORGOTTEN.has(`${name} ${to}`));
      if (kind === 'consumer' && name !== 'search-indexer') calls.push('kafka');
      if (name === WRONG.caller) calls.push(WRONG.callee);
      const facts = [
        `name: ${name}`,
        ...(kind === 'external' ? [] : [`owner: team-${owner}`, `tier: ${tier}`]),
        ...(calls.length === 0 ? [] : [`dependsOn: [${calls.join(', ')}]`]),
      ];
      return `  - { ${facts.join(', ')} }`;
    });
  return `services:\n${lines.join('\n')}\n`;
}
