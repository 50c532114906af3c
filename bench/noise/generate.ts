/**
 * Generates a recording of a platform's alerts with the truth about them, and the rules to go with it.
 *
 *     npx tsx bench/noise/generate.ts --out DIR [--seed 1] [--days 7] [--services 45]
 *                                     [--labels plain|kube|legacy] [--catalog rules/services.yaml]
 *
 * Writes DIR/recording.jsonl, DIR/truth.json and DIR/rules/. The same options give the same bytes.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { DateTime } from 'luxon';
import { iso, notifications, type Sent, webhookBody } from './alertmanager.ts';
import { type Level, LEVELS } from './checks.ts';
import { type Delivery, deliveries } from './deliver.ts';
import { LABEL_STYLES, type LabelStyle, labelStyle, type LabelStyleName } from './labels.ts';
import { buildPlatform, inventServices, type Platform, servicesFromCatalog } from './platform.ts';
import { createRandom, hash32, type Random } from './random.ts';
import { rulesFiles, WEEKLY_WINDOW } from './rules-dir.ts';
import type { Windows } from './diary.ts';
import { fillSchedule } from './schedule.ts';
import type { Truth, TruthEvent, TruthFiring } from './truth.ts';
import { createWorld, DAY, type Firing, type Happening, HOUR, type World } from './world.ts';

export interface GenerateOptions {
  readonly seed: string;
  readonly days: number;
  readonly services: number;
  readonly labels: LabelStyleName;
  /** Text of a `services.yaml` to take the platform from, instead of inventing one. */
  readonly catalog?: string | undefined;
}

export interface Generated {
  readonly deliveries: readonly Delivery[];
  readonly truth: Truth;
  readonly rules: Readonly<Record<string, string>>;
}

/** A Monday; the night to its first Sunday is the one in which London's clocks go forward. */
const BEGIN = Date.parse('2026-03-23T00:00:00Z');

export function generate(options: GenerateOptions): Generated {
  const random = createRandom(`${options.seed}/${options.services}/${options.labels}`);
  const services =
    options.catalog === undefined
      ? inventServices(options.services, random.fork('services'))
      : servicesFromCatalog(options.catalog);
  const platform = buildPlatform(services, random.fork('platform'));
  const style = labelStyle(options.labels);
  const span = { from: BEGIN, to: BEGIN + options.days * DAY };
  const world = createWorld(platform, random.fork('world'), span);
  const windows = planWindows(platform, span, random.fork('windows'));
  fillSchedule(world, windows);

  const said = say(world, style);
  // What began at the end of the last day may still end.
  const recorded = { from: span.from, to: span.to + 15 * 60_000 };
  const sorted = notifications([...said.keys()], style.receiver, recorded.to).sort(
    (a, b) => a.at - b.at,
  );
  const delivered = deliveries(sorted, recorded, random.fork('deliveries'));
  return {
    deliveries: delivered,
    truth: tellTruth(toldOf(world), { options, services: services.length }, said, delivered),
    rules: rulesFiles(platform, style, windows),
  };
}

function toldOf({ from, to, happenings, platform }: World): Told {
  const aliases = platform.services.flatMap((it) =>
    it.aliases.map((alias) => [alias, it.name] as const),
  );
  const isUrgent = ({ level, service }: Said): boolean =>
    level === 'critical' && platform.byName.get(service)?.tier === 1;
  return { from, to, happenings, aliases: Object.fromEntries(aliases), isUrgent };
}

function planWindows(
  platform: Platform,
  span: { readonly from: number; readonly to: number },
  random: Random,
): Windows {
  const databases = platform.services
    .map(({ name }) => name)
    .filter((name) => name.endsWith('-db'));
  const weekly = [];
  for (let day = span.from; day < span.to; day += DAY) {
    const local = DateTime.fromMillis(day + 12 * HOUR, { zone: WEEKLY_WINDOW.location });
    if (local.weekday !== 7) continue;
    const from = local.startOf('day').set({ hour: 2 }).toMillis();
    const to = local.startOf('day').set({ hour: 4 }).toMillis();
    weekly.push({ services: databases, from, to });
  }
  const late = random.pick(
    platform.services.filter(({ tier, name }) => tier === 1 && !databases.includes(name)),
  );
  const from = span.from + Math.min(2 * DAY, (span.to - span.from) / 2) + 5 * HOUR;
  const once =
    from + 4 * HOUR < span.to ? [{ services: [late.name], from, to: from + 2 * HOUR }] : [];
  return { weekly, once };
}

/** Each firing as its alert; the map's order is the firings' own. */
function say(world: World, style: LabelStyle): ReadonlyMap<Sent, Firing> {
  const said = new Map<Sent, Firing>();
  for (const firing of world.firings) {
    const aliases = world.platform.byName.get(firing.service)?.aliases ?? [];
    // Functional checks are often written by somebody else, who calls the service differently.
    const alias =
      firing.check.kind === 'functional'
        ? aliases[hash32(firing.check.name) % (aliases.length + 1)]
        : undefined;
    const labels = style.labels(firing, alias ?? firing.service);
    said.set(
      { labels, annotations: style.annotations(firing), startsAt: firing.from, endsAt: firing.to },
      firing,
    );
  }
  return said;
}

/** A world, as far as the truth about it is told. */
export interface Told {
  readonly from: number;
  readonly to: number;
  readonly happenings: readonly Happening[];
  readonly aliases: Readonly<Record<string, string>>;
  readonly isUrgent: (firing: Said) => boolean;
}

/** What one check said. */
export interface Said {
  readonly events: readonly string[];
  readonly service: string;
  readonly level: Level;
  readonly from: number;
  readonly to: number;
}

export function tellTruth(
  world: Told,
  {
    options,
    services,
  }: {
    readonly options: Pick<GenerateOptions, 'seed' | 'days' | 'labels'>;
    readonly services: number;
  },
  said: ReadonlyMap<Sent, Said>,
  delivered: readonly Delivery[],
): Truth {
  const seen = new Map<Sent, number>();
  for (const { at, notification } of delivered) {
    for (const { alert, firing } of notification.alerts)
      if (firing && !seen.has(alert)) seen.set(alert, at);
  }
  const firings: TruthFiring[] = [...said].map(([alert, firing]) => {
    const seenAt = seen.get(alert);
    return {
      events: firing.events,
      labels: alert.labels,
      severity: firing.level,
      startsAt: iso(firing.from),
      endsAt: iso(firing.to),
      ...(seenAt === undefined ? {} : { seenAt: iso(seenAt) }),
    };
  });
  return {
    format: 1,
    seed: options.seed,
    days: options.days,
    services,
    style: options.labels,
    from: iso(world.from),
    to: iso(world.to),
    aliases: world.aliases,
    events: truthEvents(
      world,
      [...said].flatMap(([alert, firing]) => (seen.has(alert) ? [firing] : [])),
    ),
    firings,
  };
}

/** Only what reached the recording: nobody can be told of the rest. */
function truthEvents(world: Told, seen: readonly Said[]): TruthEvent[] {
  const byEvent = new Map<string, Said[]>();
  for (const firing of seen) {
    for (const id of firing.events) byEvent.set(id, [...(byEvent.get(id) ?? []), firing]);
  }
  return world.happenings.flatMap((event) => {
    const own = byEvent.get(event.id);
    if (own === undefined) return [];
    return {
      id: event.id,
      kind: event.kind,
      actionable: event.actionable,
      environment: event.environment,
      ...(event.root === undefined ? {} : { root: event.root }),
      severity: LEVELS.find((level) => own.some((firing) => firing.level === level)) ?? 'info',
      urgent: own.some(world.isUrgent),
      startsAt: iso(own.reduce((min, { from }) => Math.min(min, from), Number.POSITIVE_INFINITY)),
      endsAt: iso(own.reduce((max, { to }) => Math.max(max, to), 0)),
      ...(event.mutedUntil === undefined ? {} : { mutedUntil: iso(event.mutedUntil) }),
      firings: own.length,
    };
  });
}

export function writeGenerated(generated: Generated, out: string): void {
  mkdirSync(join(out, 'rules'), { recursive: true });
  for (const [name, text] of Object.entries(generated.rules))
    writeFileSync(join(out, 'rules', name), text);
  writeFileSync(join(out, 'truth.json'), JSON.stringify(generated.truth));
  const file = openSync(join(out, 'recording.jsonl'), 'w');
  try {
    for (const line of recordingLines(generated.deliveries)) writeSync(file, `${line}\n`);
  } finally {
    closeSync(file);
  }
}

export function* recordingLines(delivered: readonly Delivery[]): Generator<string> {
  for (const { at, notification, skewMs } of delivered) {
    yield JSON.stringify({
      at: iso(at),
      source: 'alertmanager',
      body: webhookBody(notification, skewMs),
    });
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      days: { type: 'string', default: '7' },
      services: { type: 'string', default: '45' },
      labels: { type: 'string', default: 'plain' },
      catalog: { type: 'string' },
    },
  });
  const style = LABEL_STYLES.find((name) => name === values.labels);
  if (values.out === undefined || style === undefined) {
    process.stderr.write(`usage: generate.ts --out DIR [--labels ${LABEL_STYLES.join('|')}] ...\n`);
    process.exit(2);
  }
  const generated = generate({
    seed: values.seed,
    days: Number(values.days),
    services: Number(values.services),
    labels: style,
    catalog: values.catalog === undefined ? undefined : readFileSync(values.catalog, 'utf8'),
  });
  writeGenerated(generated, values.out);
  const { events, firings } = generated.truth;
  const seen = firings.filter(({ seenAt }) => seenAt !== undefined).length;
  const actionable = events.filter((event) => event.actionable).length;
  process.stdout.write(
    `${generated.deliveries.length} deliveries, ${seen} firings, ${events.length} events, ${actionable} of them actionable: ${values.out}\n`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
