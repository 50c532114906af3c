/**
 * The yardstick in one command: generates variants, replays and scores them, beside the baselines.
 *
 *     npm run build && npx tsx bench/noise/run.ts [--days 7] [--seeds 1,2,3] [--stages] [--alertmanager]
 *
 * Writes bench/noise/RESULTS.md. `--stages` adds the table with each stage switched off in turn,
 * `--alertmanager` a real Alertmanager on the recordings of 45 services (five minutes each).
 * `--sizes example,45,400,2000,shop,bare,calls,calls-bare` chooses the platforms, `--keep DIR` keeps recordings and messages,
 * `--results FILE` writes elsewhere, `--quell 'npx tsx src/main.ts'` runs the sources.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { BASELINES, type BaselineName, runBaseline } from './baselines.ts';
import { type Generated, generate, writeGenerated } from './generate.ts';
import { generateCalls } from './calls.ts';
import { generateShop } from './shop.ts';
import { LABEL_STYLES, type LabelStyleName, labelStyle } from './labels.ts';
import { type Column, kindTable, scoreTable } from './report.ts';
import { runRealAlertmanager } from './real-alertmanager.ts';
import { type Scores, scoreFile } from './score.ts';

interface Variant {
  readonly size: string;
  readonly seed: string;
  readonly style: LabelStyleName;
  readonly dir: string;
  readonly generated: Generated;
}

type Rules = Readonly<Record<string, unknown>>;

/** What each stage's absence looks like in rules: see withoutStage. */
const STAGES_OFF: Readonly<Record<string, Rules>> = {
  'no hold': { hold: [{ for: '0s' }] },
  'no flap damping': { flap: [{ off: true }] },
  'no correlation': { correlate: [{ off: true }] },
  'no transactions': { transactions: { alertsMax: 2, servicesMax: 1 } },
  'no paths': { correlate: [{ maxHops: 0, silent: 0 }] },
  'no hosts': { host: { from: ['labels.nowhere'] } },
  'no storm mode': { storm: { off: true } },
  'no tiers': { tiers: 'off' },
  'no digest': { route: { channel: '#alerts', urgency: 'post' } },
};

/** Faster, and a storm would come faster than its machine can take it. */
const ALERTMANAGER_SPEED = 2_000;

const { values: flags } = parseArgs({
  options: {
    days: { type: 'string', default: '7' },
    seeds: { type: 'string', default: '1,2,3' },
    sizes: { type: 'string', default: 'example,45,400,2000,shop,bare' },
    stages: { type: 'boolean', default: false },
    alertmanager: { type: 'boolean', default: false },
    keep: { type: 'string' },
    results: { type: 'string', default: 'bench/noise/RESULTS.md' },
    quell: { type: 'string', default: 'node dist/main.js' },
  },
});

function prepare(size: string, seed: string, work: string): Variant {
  // The shipped rules fit one habit of labels; other platforms have each seed another one.
  const other = OTHER_WORLDS[size];
  const style =
    other !== undefined
      ? 'kube'
      : size === 'example'
        ? 'plain'
        : (LABEL_STYLES[(Number(seed) + size.length) % LABEL_STYLES.length] ?? 'plain');
  const dir = join(work, `${size}-${seed}`);
  mkdirSync(dir, { recursive: true });
  const days = Number(flags.days);
  const generated =
    other?.generate(seed, days) ??
    generate({
      seed,
      days,
      services: size === 'example' ? 45 : Number(size),
      labels: style,
      catalog: size === 'example' ? readFileSync('rules/services.yaml', 'utf8') : undefined,
    });
  writeGenerated(generated, dir);
  if (size === 'example') useShippedRules(dir, generated);
  return { size, seed, style, dir, generated };
}

/** Those that have one habit of labels, and no baselines. */
const OTHER_WORLDS: Readonly<
  Record<
    string,
    { readonly name: string; readonly generate: (seed: string, days: number) => Generated }
  >
> = {
  shop: {
    name: 'another world, its graph',
    generate: (seed, days) => generateShop({ seed, days, graph: true }),
  },
  bare: {
    name: 'another world, no rules',
    generate: (seed, days) => generateShop({ seed, days, graph: false }),
  },
  calls: {
    name: 'a computed world, its catalog',
    generate: (seed, days) => generateCalls({ seed, days, graph: true }),
  },
  'calls-bare': {
    name: 'a computed world, no rules',
    generate: (seed, days) => generateCalls({ seed, days, graph: false }),
  },
};

/** `rules/` as it is, and the work that was planned for the recorded days. */
function useShippedRules(dir: string, generated: Generated): void {
  const target = join(dir, 'rules');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const name of readdirSync('rules')) copyFileSync(join('rules', name), join(target, name));
  writeFileSync(join(target, 'planned-work.yaml'), generated.rules['quiet.yaml'] ?? '');
}

function replay(variant: Variant, messages: string, rules: string): void {
  const [command = 'node', ...args] = flags.quell.split(' ');
  const recording = join(variant.dir, 'recording.jsonl');
  const all = [...args, 'replay', recording, '--rules', rules, '--messages', messages];
  const done = spawnSync(command, all, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (done.status !== 0) throw new Error(`quell replay: ${done.stderr}${done.error ?? ''}`);
}

async function scoreQuell(variant: Variant): Promise<Scores> {
  const messages = join(variant.dir, 'quell.jsonl');
  replay(variant, messages, join(variant.dir, 'rules'));
  return scoreFile(messages, variant.generated.truth);
}

async function scoreBaseline(variant: Variant, name: BaselineName): Promise<Scores> {
  const messages = join(variant.dir, `${name}.jsonl`);
  const recording = join(variant.dir, 'recording.jsonl');
  await runBaseline(name, { recording, messages }, labelStyle(variant.style));
  return scoreFile(messages, variant.generated.truth);
}

async function scoreAlertmanager({ dir, generated: { truth } }: Variant): Promise<Scores> {
  const messages = join(dir, 'alertmanager.jsonl');
  await runRealAlertmanager(truth, messages, ALERTMANAGER_SPEED);
  return scoreFile(messages, truth);
}

async function scoreWithout(variant: Variant, stage: string, off: Rules): Promise<Scores> {
  const rules = join(variant.dir, `rules-${stage.replaceAll(' ', '-')}`);
  mkdirSync(rules, { recursive: true });
  for (const name of readdirSync(join(variant.dir, 'rules'))) {
    if (name.endsWith('.test.yaml')) continue;
    // The generator's, or those that are shipped: maps of keys.
    const file = parse(readFileSync(join(variant.dir, 'rules', name), 'utf8')) as Rules | null;
    writeFileSync(join(rules, name), stringify(withoutStage(file ?? {}, off)));
  }
  const { tiers: _, ...stated } = off;
  writeFileSync(join(rules, '00-stage-off.yaml'), stringify(stated));
  const messages = join(variant.dir, 'without.jsonl');
  replay(variant, messages, rules);
  return scoreFile(messages, variant.generated.truth);
}

/** A list of `off` is read before all others; what is stated once is stated there only; `tiers` are taken out. */
function withoutStage(file: Rules, off: Rules): Rules {
  const isKept = ([key]: readonly [string, unknown]) => Array.isArray(off[key]) || !(key in off);
  const kept: Rules = Object.fromEntries(Object.entries(file).filter(isKept));
  if (!('tiers' in off) || !Array.isArray(kept['services'])) return kept;
  const services = kept['services'].map((service: Rules) => ({ ...service, tier: undefined }));
  return { ...kept, services };
}

async function main(): Promise<void> {
  const work = flags.keep ?? mkdtempSync(join(tmpdir(), 'quell-noise-'));
  const sizes = flags.sizes.split(',');
  const seeds = flags.seeds.split(',');
  const details: string[] = [];
  const summary: Column[] = [];
  const baselines = new Map<BaselineName, Scores[]>(BASELINES.map((name) => [name, []]));
  const stages = new Map<string, Scores[]>();
  const real: Scores[] = [];
  for (const size of sizes) {
    const columns: Column[] = [];
    for (const seed of seeds) {
      const variant = prepare(size, seed, work);
      const scores = await scoreQuell(variant);
      columns.push({ name: `seed ${seed}, ${variant.style}`, scores: [scores] });
      if (!(size in OTHER_WORLDS))
        for (const [name, list] of baselines) list.push(await scoreBaseline(variant, name));
      process.stderr.write(`${sizeName(size)}, seed ${seed}: ${scores.posts} posts\n`);
      if (flags.alertmanager && size === '45') real.push(await scoreAlertmanager(variant));
      if (!flags.stages || size !== sizes[0]) continue;
      add(stages, 'all stages', scores);
      for (const [stage, off] of Object.entries(STAGES_OFF)) {
        add(stages, stage, await scoreWithout(variant, stage, off));
      }
    }
    summary.push({ name: sizeName(size), scores: columns.flatMap(({ scores }) => scores) });
    details.push('', `## ${sizeName(size)}`, '', ...scoreTable(columns), '', ...kindTable(columns));
  }
  for (const [name, scores] of baselines) summary.push({ name: BASELINE_NAMES[name], scores });
  if (real.length > 0) summary.push({ name: 'a real Alertmanager, tuned', scores: real });
  writeFileSync(flags.results, page({ summary, details, stages: [...stages] }));
  if (flags.keep === undefined) rmSync(work, { recursive: true });
}

const BASELINE_NAMES: Readonly<Record<BaselineName, string>> = {
  alert: 'every alert a message',
  name5m: 'alertname and service in 5 min',
};

function sizeName(size: string): string {
  return (
    OTHER_WORLDS[size]?.name ?? (size === 'example' ? 'the shipped rules' : `${size} services`)
  );
}

function add(map: Map<string, Scores[]>, key: string, scores: Scores): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [scores]);
  else list.push(scores);
}

interface Page {
  readonly summary: readonly Column[];
  readonly details: readonly string[];
  readonly stages: readonly (readonly [string, Scores[]])[];
}

function page({ summary, details, stages }: Page): string {
  const cpu = cpus()[0]?.model ?? 'unknown';
  const lines = [
    '# Noise: results',
    '',
    `Written by \`npx tsx bench/noise/run.ts --days ${flags.days} --seeds ${flags.seeds} --sizes ${flags.sizes}${flags.stages ? ' --stages' : ''}${flags.alertmanager ? ' --alertmanager' : ''}\``,
    `with Node ${process.version} on ${cpus().length} x ${cpu}. The figures depend on the seeds only, not on the machine.`,
    'What each score means, and how the recordings are made, stands in [README.md](README.md).',
    '',
    `Means over the seeds ${flags.seeds}, ${flags.days} days each:`,
    '',
    ...scoreTable(summary),
  ];
  if (stages.length > 0) {
    const columns = stages.map(([name, scores]) => ({ name, scores }));
    const first = summary[0]?.name ?? '';
    lines.push('', `## Each stage switched off in turn (${first})`, '', ...scoreTable(columns));
  }
  return `${[...lines, ...details].join('\n')}\n`;
}

await main();
