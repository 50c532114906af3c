/**
 * What /metrics tells of how things stand: read when it is asked for, from the parts of the service.
 */
import type { Lane } from '../lane/lane.ts';
import type { Lanes } from '../lane/lanes.ts';
import type { Instant } from '../model.ts';
import type { LaneUse } from '../lane/refusals.ts';
import { resolveName } from '../rules/catalog.ts';
import type { Catalog } from '../rules/rules.ts';
import type { Loaded } from '../rules/files/watch.ts';
import type { Slack } from '../slack/connect.ts';
import type { Levels, Metrics } from '../telemetry/metrics.ts';

interface Watched {
  readonly lanes: Lanes;
  readonly slack: Pick<Slack, 'deliveries'>;
  /** The rules in force. */
  readonly rules: () => Loaded;
  readonly now: () => Instant;
}

export function watchLevels(metrics: Metrics, watched: Watched): void {
  const { lanes, slack, now } = watched;
  metrics.watch(() => ({ ...lanesLevels(lanes), ...outboxLevels(slack, now()) }));
  watchLaneLimits(metrics, lanes, now);
  metrics.watchLimit('services', () => watched.rules().rules.catalog.services.size);
  metrics.watchLimit('rules-files', () => watched.rules().files.length);
  metrics.watchLimit('rules-bytes', () => watched.rules().bytes);
}

/** What is in memory is told by whoever decides it: for an instance that follows it is work to know. */
function ledOf({ all }: Pick<Lanes, 'all'>): readonly Lane[] {
  return all.filter(({ leads }) => leads);
}

function lanesLevels(lanes: Lanes): Omit<Levels, 'outbox' | 'outboxOldestMs'> {
  const { all } = lanes;
  const led = ledOf(lanes);
  const sum = (of: readonly Lane[], level: (lane: Lane) => number) =>
    of.reduce((total, lane) => total + level(lane), 0);
  return {
    alerts: sum(led, ({ state }) => state.alerts.size),
    incidents: sum(led, ({ state }) => state.incidents.size),
    incidentsOpen: sum(led, ({ state }) => state.open.size),
    unknownServices: () => unknownServices(led, lanes.rules.catalog),
    waiting: sum(all, ({ waiting }) => waiting),
    setAside: sum(all, ({ setAside }) => setAside),
    leads: led.length,
  };
}

/** By the catalog in force: who is added to it is known at once. */
function unknownServices(led: readonly Lane[], { canonical }: Catalog): number {
  const unknown = new Set<string>();
  for (const { state } of led) {
    for (const services of state.byService.values()) {
      for (const name of services.keys())
        if (resolveName(canonical, name) === undefined) unknown.add(name);
    }
  }
  return unknown.size;
}

/** Limits hold for each lane: of several the fullest is told. */
function watchLaneLimits(metrics: Metrics, lanes: Lanes, now: () => Instant): void {
  const fullest = (of: readonly Lane[], used: (lane: Lane) => number) =>
    of.length === 0 ? undefined : Math.max(...of.map(used));
  const use = (limit: keyof LaneUse) => (lane: Lane) => lane.used[limit];
  metrics.watchLimit('waiting', () => fullest(lanes.all, use('waiting')));
  metrics.watchLimit('open-alerts', () => fullest(ledOf(lanes), use('open-alerts')));
  metrics.watchLimit('alert-bytes', () => fullest(ledOf(lanes), use('alert-bytes')));
  metrics.watchLimit('silences', () => fullest(ledOf(lanes), (lane) => livingIn(lane, now())));
}

function livingIn({ state }: Lane, now: Instant): number {
  let living = 0;
  for (const { silence } of state.silences.values()) if (silence.endsAt > now) living++;
  return living;
}

function outboxLevels({ deliveries }: Watched['slack'], now: Instant) {
  const all = [...deliveries.values()].map((one) => one.health());
  const oldestAt = Math.min(...all.map((one) => one.oldestAt ?? Infinity));
  return {
    outbox: all.reduce((sum, { waiting }) => sum + waiting, 0),
    outboxOldestMs: Number.isFinite(oldestAt) ? now - oldestAt : 0,
  };
}
