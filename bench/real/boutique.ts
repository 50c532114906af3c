/**
 * Recorded metrics of Online Boutique under injected faults (IntelligentDDS/Nezha), and what usual threshold rules would
 * have fired on them: CPU and memory near the limit, latency, errors, too few requests.
 *
 * Limits are those of somebody who saw the days without faults: a quarter above what 99.5 % of those minutes stay below,
 * rounded. They fire without a fault now and then, as such rules do.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sent } from '../noise/alertmanager.ts';
import type { Labels } from '../noise/labels.ts';
import type { TruthEvent } from '../noise/truth.ts';

const MINUTE = 60_000;
const DAYS = ['2022-08-22', '2022-08-23'] as const;
/** How long a fault shows at most, and when nothing is left of it. */
const SHOWS_MS = 5.5 * MINUTE;
const CALM_BEFORE_MS = 10 * MINUTE;
const CALM_AFTER_MS = 15 * MINUTE;
/** What begins so close together without a fault is one thing. */
const STRAY_MS = 2 * MINUTE;
/** A gap in the samples ends what fires. */
const GAP_MS = 2.5 * MINUTE;
/** So short a warning asks nobody to act, nor does a critical alert of less than a minute. */
const BRIEF_MS = 5 * MINUTE;
/** Less is over before a rule is evaluated again. */
const SHORTEST_MS = 15_000;

export interface Fired extends Sent {
  readonly severity: 'warning' | 'critical';
  readonly event: string;
}
export interface Recorded {
  readonly fired: readonly Fired[];
  readonly faults: readonly Fault[];
  readonly dependsOn: ReadonlyMap<string, readonly string[]>;
  readonly from: number;
}

export interface Fault {
  readonly at: number;
  readonly until: number;
  readonly root: string;
  readonly id: string;
}
interface Row {
  readonly at: number;
  readonly fields: Readonly<Record<string, string>>;
}
interface Rule {
  /** `Very…` is critical, all else a warning. */
  readonly name: string;
  readonly forMs: number;
  readonly labels: Labels;
  readonly rows: readonly Row[];
  readonly column: string;
  readonly limit: number;
  readonly side: 'over' | 'under';
}

/** `data`: a clone of the repository. `times`: pauses between samples are so many times as long. */
export function recorded(data: string, times: number): Recorded {
  const days = DAYS.map((day) => join(data, 'rca_data', day));
  const faults = days.flatMap((dir, i) => faultsOf(join(dir, `${DAYS[i]}-fault_list.json`)));
  const rules = days.flatMap((dir) => rulesOf(join(dir, 'metric'), faults));
  const from = Math.min(...faults.map(({ at }) => at)) - CALM_BEFORE_MS;
  const later = (at: number): number => from + (at - from) * times;
  const eventOf = eventsBy(faults);
  const fired = rules.flatMap((rule) =>
    runs(rule).flatMap(([began, ended]): Fired[] => {
      const startsAt = later(began) + rule.forMs;
      const endsAt = later(ended);
      if (endsAt - startsAt < SHORTEST_MS) return [];
      const { name, column, side, limit } = rule;
      const severity = name.startsWith('Very') ? 'critical' : 'warning';
      const labels = { alertname: name, severity, ...rule.labels };
      const annotations = { summary: `${column} is ${side} ${limit}` };
      const event = eventOf(began, JSON.stringify(labels));
      return [{ labels, annotations, startsAt, endsAt, severity, event }];
    }),
  );
  return { fired, faults, dependsOn: dependenciesOf(join(days[0] ?? '', 'metric')), from };
}

/** The fault in whose time something begins; without one, what is the same alert or begins close by is one thing. */
function eventsBy(faults: readonly Fault[]): (at: number, what: string) => string {
  const strays: { readonly at: number; readonly what: string; readonly id: string }[] = [];
  return (at, what) => {
    const fault = faults.findLast((it) => at >= it.at - MINUTE && at <= it.until);
    if (fault !== undefined) return fault.id;
    const same = strays.findLast((it) => it.what === what || Math.abs(it.at - at) <= STRAY_MS);
    const id = same?.id ?? `stray-${strays.length}`;
    strays.push({ at, what, id });
    return id;
  };
}

function faultsOf(file: string): readonly Fault[] {
  // Published so: hours, and in each what was injected.
  const hours = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    readonly { inject_time: string; inject_pod: string; inject_type: string }[]
  >;
  const found = Object.values(hours)
    .flat()
    .map((it) => ({ ...it, at: instant(it.inject_time) }))
    .toSorted((one, other) => one.at - other.at);
  return found.map(({ at, inject_pod, inject_type, inject_time }, i) => {
    const next = found[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const until = Math.min(at + SHOWS_MS, next - 1.5 * MINUTE);
    return { at, until, root: serviceOf(inject_pod), id: `${inject_type} ${inject_time}` };
  });
}

function rulesOf(dir: string, faults: readonly Fault[]): readonly Rule[] {
  const isCalm = ({ at }: Row): boolean =>
    !faults.some((it) => at > it.at - CALM_BEFORE_MS && at < it.at + CALM_AFTER_MS);
  const pods = readdirSync(dir).filter((file) => file.endsWith('_metric.csv'));
  const rows = rowsOf(join(dir, 'front_service.csv'));
  const labels = { namespace: 'hipster', service: 'frontend' };
  const front = { forMs: MINUTE, labels, rows, column: 'SuccessRate(%)', side: 'under' } as const;
  return [
    { ...front, name: 'HighErrorRate', limit: 99 },
    { ...front, name: 'VeryHighErrorRate', limit: 90 },
    ...pods.flatMap((file) => podRules(file.replace('_metric.csv', ''), join(dir, file), isCalm)),
  ];
}

function podRules(pod: string, file: string, isCalm: (row: Row) => boolean): readonly Rule[] {
  const rows = rowsOf(file);
  const service = serviceOf(pod);
  const calm = (column: string, share: number): number =>
    quantile(
      rows.filter(isCalm).map((row) => valueOf(row, column) ?? 0),
      share,
    );
  const [cpu, memory] = ['CpuUsageRate(%)', 'MemoryUsageRate(%)'];
  const [latency, requests] = ['PodServerLatencyP95(s)', 'PodWorkload(Ops)'];
  const slow = Number(Math.max(1.25 * calm(latency, 0.995), 0.025).toPrecision(2));
  const usual = calm(requests, 0.5);
  const labels = { namespace: 'hipster', pod, container: 'server' };
  const container = { forMs: 2 * MINUTE, labels, rows, side: 'over' } as const;
  const own = { forMs: MINUTE, labels: { namespace: 'hipster', service }, rows } as const;
  const cpuMax = calm(cpu, 0.995) < 75 ? 85 : 95;
  const found: Rule[] = [
    { ...container, name: 'ContainerCpuNearLimit', column: cpu, limit: cpuMax },
    { ...container, name: 'ContainerMemoryNearLimit', column: memory, limit: 95 },
    { ...own, name: 'HighRequestLatency', column: latency, limit: slow, side: 'over' },
    { ...own, name: 'VeryHighRequestLatency', column: latency, limit: 3 * slow, side: 'over' },
  ];
  // Of a service that hardly anybody asks a quiet minute says nothing.
  if (usual < 0.5) return found;
  const few = { name: 'RequestRateLow', forMs: 2 * MINUTE, column: requests, limit: 0.4 * usual };
  return [...found, { ...own, ...few, side: 'under' }];
}

/** From the first bad sample to the first good one after it. */
function runs({ rows, column, limit, side }: Rule): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  let start: number | undefined;
  let last = 0;
  for (const row of rows) {
    const isGap = row.at - last > GAP_MS;
    const value = valueOf(row, column);
    const isBad = value !== undefined && (side === 'over' ? value > limit : value < limit);
    if (start !== undefined && (isGap || !isBad)) {
      found.push([start, isGap ? last + MINUTE : row.at]);
      start = undefined;
    }
    if (isBad) start ??= row.at;
    last = row.at;
  }
  if (start !== undefined) found.push([start, last + MINUTE]);
  return found;
}

/** What the alerts that were sent tell of. */
export function eventsOf(sent: readonly Fired[], faults: readonly Fault[]): readonly TruthEvent[] {
  return [...new Set(sent.map(({ event }) => event))].map((id): TruthEvent => {
    const own = sent.filter(({ event }) => event === id);
    const startsAt = Math.min(...own.map((it) => it.startsAt));
    const endsAt = Math.max(...own.map((it) => it.endsAt));
    const root = faults.find((it) => it.id === id)?.root;
    const grave = own.filter(({ severity }) => severity === 'critical');
    const lasts =
      endsAt - startsAt >= BRIEF_MS || grave.some((it) => it.endsAt - it.startsAt >= MINUTE);
    return {
      id,
      kind: root === undefined ? 'unknown' : lasts ? 'cascade' : 'brief',
      actionable: root !== undefined && lasts,
      environment: 'production',
      ...(root === undefined ? {} : { root }),
      severity: grave.length > 0 ? 'critical' : 'warning',
      urgent: grave.length > 0,
      startsAt: new Date(startsAt).toISOString(),
      endsAt: new Date(endsAt).toISOString(),
      firings: own.length,
    };
  });
}

/** The file names hosts, too. */
function dependenciesOf(dir: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { fields } of rowsOf(join(dir, 'dependency.csv'))) {
    const { Source = '', Target = '' } = fields;
    if (!/^\d/.test(Target)) found.set(Source, [...(found.get(Source) ?? []), Target]);
  }
  return found;
}

/** No field of these files is quoted. */
function rowsOf(file: string): readonly Row[] {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    const fields = Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
    return { at: instant(fields['Time'] ?? ''), fields };
  });
}

function valueOf({ fields }: Row, column: string): number | undefined {
  const text = fields[column] ?? '';
  return text === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
}

/** `2022-08-22 03:51:19.6 +0000 UTC m=+0.1`: to the second. */
function instant(text: string): number {
  return Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);
}

function serviceOf(pod: string): string {
  return pod.replace(/-[a-z\d]+-[a-z\d]{5}$/, '');
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
