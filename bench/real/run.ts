/**
 * Recorded metrics of a public test system, through threshold rules, an Alertmanager and Quell, scored.
 *
 *     npx tsx bench/real/run.ts --data DIR [--results bench/real/RESULTS.md] [--messages DIR]
 *
 * DIR is a clone of the public repository: README.md says which, and at which commit.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { parseDelivery } from '../../src/ingest/sources.ts';
import { createReplay } from '../../src/replay.ts';
import { compileRules } from '../../src/rules/compile.ts';
import {
  iso,
  type Notification,
  notifications,
  type Sent,
  webhookBody,
} from '../noise/alertmanager.ts';
import { createBaseline, type RecordedLine } from '../noise/baselines.ts';
import { labelStyle, type LabelStyle } from '../noise/labels.ts';
import { type Column, scoreTable } from '../noise/report.ts';
import { score } from '../noise/score.ts';
import type { MessageLine } from '../noise/tally.ts';
import type { Truth } from '../noise/truth.ts';
import { eventsOf, type Recorded, recorded } from './boutique.ts';

const MINUTE = 60_000;
/** From a flush to us. */
const LATENCY_MS = 600;

const RECEIVERS: Readonly<Record<string, LabelStyle['receiver']>> = {
  'by service': {
    groupBy: ['alertname', 'service', 'namespace'],
    groupWaitMs: 10_000,
    groupIntervalMs: MINUTE,
    repeatIntervalMs: 240 * MINUTE,
  },
  'by namespace': {
    groupBy: ['namespace'],
    groupWaitMs: 30_000,
    groupIntervalMs: 5 * MINUTE,
    repeatIntervalMs: 720 * MINUTE,
  },
};

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    results: { type: 'string', default: 'bench/real/RESULTS.md' },
    messages: { type: 'string' },
  },
});

function truthOf({ fired, faults, from }: Recorded, sent: readonly Notification[]): Truth {
  const seen = new Map<Sent, string>();
  for (const { at, alerts } of sent)
    for (const { alert, firing } of alerts)
      if (firing && !seen.has(alert)) seen.set(alert, iso(at + LATENCY_MS));
  const told = fired.filter((it) => seen.has(it));
  const to = Math.max(...told.map(({ endsAt }) => endsAt));
  return {
    format: 1,
    seed: '',
    days: Math.ceil((to - from) / (1_440 * MINUTE)),
    services: 0,
    style: 'plain',
    from: iso(from),
    to: iso(to),
    aliases: {},
    events: eventsOf(told, faults),
    firings: told.map((it) => {
      const { labels, severity, event } = it;
      const [startsAt, endsAt] = [iso(it.startsAt), iso(it.endsAt)];
      return { events: [event], labels, severity, startsAt, endsAt, seenAt: seen.get(it) ?? '' };
    }),
  };
}

function quell(lines: readonly RecordedLine[], rulesText: string): readonly MessageLine[] {
  const compiled = compileRules([{ name: 'rules.yaml', text: rulesText }]);
  if (compiled.kind === 'refused') throw new Error(JSON.stringify(compiled.errors));
  const { rules } = compiled;
  const messages: MessageLine[] = [];
  const replay = createReplay({
    rules,
    onMessage: (message) => messages.push({ ...message, root: message.root ?? null }),
  });
  lines.forEach(({ at: text, body }, i) => {
    const at = Date.parse(text);
    const context = { source: 'alertmanager', delivery: String(i), at };
    const parsed = parseDelivery(body, context, rules.mappings);
    if (parsed.kind === 'refused') throw new Error(parsed.error);
    replay.play(parsed.events, at);
  });
  replay.finish();
  return messages;
}

function graphOf({ dependsOn }: Recorded): string {
  const names = new Set([...dependsOn.keys(), ...[...dependsOn.values()].flat()]);
  const services = [...names].map((name) => ({ name, dependsOn: dependsOn.get(name) ?? [] }));
  return stringify({ services });
}

function measure(data: string): { readonly name: string; readonly columns: readonly Column[] }[] {
  return [1, 4].flatMap((times) => {
    const record = recorded(data, times);
    return Object.entries(RECEIVERS).map(([grouping, receiver]) => {
      const sent = notifications(record.fired, receiver, Number.MAX_SAFE_INTEGER).toSorted(
        (one, other) => one.at - other.at,
      );
      const truth = truthOf(record, sent);
      const lines = sent.map((it): RecordedLine => {
        // Written above, in this shape.
        const body = webhookBody(it, 0) as RecordedLine['body'];
        return { at: iso(it.at + LATENCY_MS), body };
      });
      const name = `${times === 1 ? 'as recorded' : `${times} times as long`}, Alertmanager ${grouping}`;
      const column = (tool: string, messages: readonly MessageLine[]): Column => {
        keep(`${name}, ${tool}`, messages);
        return { name: tool, scores: [score(truth, messages)] };
      };
      const columns = [
        column('Quell, with the graph', quell(lines, graphOf(record))),
        column('Quell, no rules', quell(lines, '')),
        column(
          'every alert a message',
          lines.flatMap(createBaseline('alert', labelStyle('plain'))),
        ),
      ];
      return { name, columns };
    });
  });
}

function keep(name: string, messages: readonly MessageLine[]): void {
  if (flags.messages === undefined) return;
  mkdirSync(flags.messages, { recursive: true });
  const file = join(flags.messages, `${name.replaceAll(/[ ,]+/g, '-')}.jsonl`);
  writeFileSync(file, messages.map((it) => `${JSON.stringify(it)}\n`).join(''));
}

function main(): void {
  const { data, results } = flags;
  if (data === undefined || !existsSync(join(data, 'rca_data'))) {
    process.stderr.write('--data DIR must be a clone of Nezha: see bench/real/README.md\n');
    process.exitCode = 2;
    return;
  }
  const tables = measure(data).map(
    ({ name, columns }) => `\n## ${name}\n\n${scoreTable(columns).join('\n')}\n`,
  );
  const head = '# Real metrics: results\n\nWritten by `run.ts`; what of, says README.md.\n';
  writeFileSync(results, `${head}${tables.join('')}`);
}

main();
