/**
 * The platform whose alerts are generated: services in layers, who calls whom, what runs where.
 *
 * Either invented from a seed at any size, or read from a `services.yaml`, so that the shipped
 * example rules can be measured too. Calls go down the layers, with a few cycles among equals.
 */
import { parse } from 'yaml';
import type { Random } from './random.ts';

export const ENVIRONMENTS = ['production', 'staging', 'test'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export interface PlatformService {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly owner: string;
  readonly tier: number;
  readonly capability: string;
  readonly dependsOn: readonly string[];
}

export interface Platform {
  readonly services: readonly PlatformService[];
  readonly byName: ReadonlyMap<string, PlatformService>;
  readonly callers: ReadonlyMap<string, readonly string[]>;
  /** The two hosts of a service in an environment. */
  readonly hostsOf: (environment: Environment, service: string) => readonly string[];
  readonly servicesOn: (host: string) => readonly string[];
  readonly hosts: (environment: Environment) => readonly string[];
}

/** A host carries about this many services. */
const SERVICES_ON_HOST = 8;

const AREAS =
  'articles accounts billing search video comments adverts newsletters shop pricing images podcasts markets weather sport travel events puzzles jobs careers reviews alerts archive rights analytics messaging loyalty gifts delivery returns stock catalogue basket checkout identity consent profiles audio maps feeds'.split(
    ' ',
  );
const DOMAIN_ROLES =
  'service processor matcher planner scheduler resolver composer validator enricher publisher reader writer ranker notifier exporter'.split(
    ' ',
  );
const STORES = ['db', 'cache', 'index', 'store', 'queue'];
const SHARED = ['message-bus', 'feature-flags', 'identity-provider', 'config-store', 'secrets'];

export function buildPlatform(services: readonly PlatformService[], random: Random): Platform {
  const byName = new Map(services.map((service) => [service.name, service]));
  const callers = new Map<string, string[]>();
  for (const { name, dependsOn } of services) {
    for (const callee of dependsOn) {
      const list = callers.get(callee) ?? [];
      list.push(name);
      callers.set(callee, list);
    }
  }
  const places = new Map<string, readonly string[]>();
  const residents = new Map<string, string[]>();
  const hostsByEnvironment = new Map<Environment, readonly string[]>();
  for (const environment of ENVIRONMENTS) {
    const letter = environment.slice(0, 1);
    const count = Math.max(4, Math.ceil((services.length * 2) / SERVICES_ON_HOST));
    const hosts = Array.from(
      { length: count },
      (_, i) => `${letter}vm${String(i + 1).padStart(3, '0')}`,
    );
    hostsByEnvironment.set(environment, hosts);
    const order = random.fork(`hosts/${environment}`).shuffle(services);
    order.forEach((service, i) => {
      const first = hosts[i % count] ?? '';
      const second = hosts[(i + 1 + Math.floor(i / count)) % count] ?? '';
      const pair = first === second ? [first] : [first, second];
      places.set(`${environment}/${service.name}`, pair);
      for (const host of pair) residents.set(host, [...(residents.get(host) ?? []), service.name]);
    });
  }
  return {
    services,
    byName,
    callers,
    hostsOf: (environment, service) => places.get(`${environment}/${service}`) ?? [],
    servicesOn: (host) => residents.get(host) ?? [],
    hosts: (environment) => hostsByEnvironment.get(environment) ?? [],
  };
}

/** Services, callees and owners as a `services.yaml` states them. */
export function servicesFromCatalog(text: string): PlatformService[] {
  // Our own rules files, which `quell check` validates: the shape is trusted here.
  const { services } = parse(text) as { services: (Partial<PlatformService> & { name: string })[] };
  return services.map((service) => ({
    name: service.name,
    aliases: service.aliases ?? [],
    owner: service.owner ?? 'team-platform',
    tier: service.tier ?? 2,
    capability: service.capability ?? '',
    dependsOn: service.dependsOn ?? [],
  }));
}

interface Draft {
  readonly name: string;
  readonly area: string;
  readonly layer: 'edge' | 'api' | 'domain' | 'shared' | 'store';
  readonly dependsOn: Set<string>;
}

export function inventServices(count: number, random: Random): PlatformService[] {
  const areas = areaNames(Math.max(4, Math.round(count / 7.5)));
  const edges = drafts('edge', edgeNames(count), areas);
  const shared = drafts('shared', SHARED.slice(0, count < 100 ? 3 : 5), areas);
  const stores = drafts(
    'store',
    areas.map((area) => `${area}-${random.pick(STORES)}`),
    areas,
  );
  const apis = drafts(
    'api',
    areas.map((area) => `${area}-api`),
    areas,
  );
  const rest = Math.max(0, count - edges.length - shared.length - stores.length - apis.length);
  const domains = drafts('domain', domainNames(areas, rest, random), areas);
  const layers = { edges, shared, stores, apis, domains };
  connect(layers, random);
  addCycles(domains, Math.max(2, Math.round(count / 25)), random);
  return [...edges, ...apis, ...domains, ...shared, ...stores].map((draft) =>
    finish(draft, random),
  );
}

function areaNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const word = AREAS[i % AREAS.length] ?? 'area';
    return i < AREAS.length ? word : `${word}-${Math.floor(i / AREAS.length) + 1}`;
  });
}

function edgeNames(count: number): string[] {
  const names = ['edge-router', 'mobile-gateway'];
  for (let i = 0; i < Math.floor(count / 150); i += 1) names.push(`partner-gateway-${i + 1}`);
  return names;
}

function domainNames(areas: readonly string[], count: number, random: Random): string[] {
  const names = new Set<string>();
  for (let i = 0; names.size < count; i += 1) {
    const area = areas[i % areas.length] ?? 'area';
    names.add(`${area}-${random.pick(DOMAIN_ROLES)}`);
  }
  return [...names];
}

function drafts(
  layer: Draft['layer'],
  names: readonly string[],
  areas: readonly string[],
): Draft[] {
  // Longer area names first: `articles-2-reader` belongs to `articles-2`.
  const byLength = [...areas].sort((a, b) => b.length - a.length);
  return names.map((name) => ({
    name,
    layer,
    area: byLength.find((area) => name.startsWith(`${area}-`)) ?? 'platform',
    dependsOn: new Set<string>(),
  }));
}

function connect(
  {
    edges,
    shared,
    stores,
    apis,
    domains,
  }: Record<'edges' | 'shared' | 'stores' | 'apis' | 'domains', Draft[]>,
  random: Random,
): void {
  const of = (area: string, from: readonly Draft[]): readonly Draft[] =>
    from.filter((draft) => draft.area === area);
  const link = (from: Draft, to: Draft | undefined): void => {
    if (to !== undefined && to !== from) from.dependsOn.add(to.name);
  };
  const someOf = (from: readonly Draft[]): Draft | undefined =>
    from.length === 0 ? undefined : random.pick(from);

  apis.forEach((api, i) => link(edges[i % edges.length] ?? api, api));
  for (const api of apis) {
    if (random.chance(0.25)) link(random.pick(edges), api);
    for (const domain of of(api.area, domains)) if (random.chance(0.6)) link(api, domain);
    if (api.dependsOn.size === 0) link(api, someOf(of(api.area, domains)) ?? someOf(stores));
    if (random.chance(0.35)) link(api, someOf(domains));
  }
  domains.forEach((domain, i) => {
    if (random.chance(0.75)) link(domain, someOf(of(domain.area, stores)));
    // Only to later ones: the layering has no accidental cycles.
    const later = domains.slice(i + 1);
    if (random.chance(0.55)) link(domain, someOf(of(domain.area, later)));
    if (random.chance(0.2)) link(domain, someOf(later));
    if (random.chance(0.22)) link(domain, random.pick(shared));
    if (domain.dependsOn.size === 0) link(domain, someOf(stores));
  });
}

function addCycles(domains: readonly Draft[], count: number, random: Random): void {
  const byName = new Map(domains.map((draft) => [draft.name, draft]));
  let added = 0;
  for (const caller of random.shuffle(domains)) {
    const callee = [...caller.dependsOn]
      .map((name) => byName.get(name))
      .find((it) => it !== undefined);
    if (callee === undefined || callee.dependsOn.has(caller.name)) continue;
    callee.dependsOn.add(caller.name);
    added += 1;
    if (added === count) return;
  }
}

function finish({ name, area, layer, dependsOn }: Draft, random: Random): PlatformService {
  const tiers = { edge: [1], api: [1, 1, 2], domain: [1, 2, 2, 3], shared: [1], store: [1, 2, 2] };
  return {
    name,
    aliases: random.chance(0.25) ? [`svc-${name}`] : [],
    owner: `team-${area}`,
    tier: random.pick(tiers[layer]),
    capability: area,
    dependsOn: [...dependsOn].sort(),
  };
}
