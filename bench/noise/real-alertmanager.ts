/**
 * The third baseline: a real Alertmanager with a well-tuned configuration, its time compressed.
 *
 *     npx tsx bench/noise/real-alertmanager.ts DIR MESSAGES.jsonl [--speed 1000]
 *
 * It gets the firings themselves, as Prometheus would send them, and its webhooks are the messages: it
 * cannot edit one, so every notification with something that fires is a post. All durations of the
 * configuration are divided by the speed. Not deterministic to the last alert; needs
 * `prometheus-alertmanager` on the PATH.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { canonicalKey } from './finder.ts';
import { type LabelStyle, labelStyle } from './labels.ts';
import { readTruth } from './score.ts';
import type { MessageLine } from './tally.ts';
import type { Truth } from './truth.ts';

interface Change {
  readonly at: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: it ends. */
  readonly startsAt: string | undefined;
}

interface Webhook {
  readonly groupKey: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Record<string, string> }[];
}

/** What an experienced team would write: one group a service, symptoms inhibited, noise routed away. */
function configuration(style: LabelStyle, webhook: string, speed: number): string {
  const ms = (seconds: number): string => `${Math.max(1, Math.round((seconds * 1_000) / speed))}ms`;
  const production = { plain: 'production', kube: 'prod', legacy: 'live' }[style.name];
  const severity = { plain: 'severity', kube: 'priority', legacy: 'severity' }[style.name];
  const [critical, high, warning, info] = {
    plain: ['critical', 'major', 'warning', 'info'],
    kube: ['P1', 'P2', 'P3', 'P4'],
    legacy: ['page', 'urgent', 'ticket', 'notice'],
  }[style.name];
  const host = style.name === 'kube' ? 'node' : 'instance';
  return JSON.stringify({
    route: {
      receiver: 'slack',
      group_by: [style.serviceLabel, style.environmentLabel],
      group_wait: ms(60),
      group_interval: ms(300),
      repeat_interval: ms(12 * 3_600),
      routes: [
        { receiver: 'nobody', matchers: [`${style.environmentLabel}!="${production}"`] },
        { receiver: 'nobody', matchers: [`${severity}="${info}"`] },
        { receiver: 'slack', matchers: [`${severity}="${critical}"`], group_wait: ms(5) },
      ],
    },
    inhibit_rules: [
      {
        source_matchers: [`${severity}=~"${critical}|${high}"`],
        target_matchers: [`${severity}="${warning}"`],
        equal: [style.serviceLabel, style.environmentLabel],
      },
      {
        source_matchers: ['alertname="NodeDown"'],
        target_matchers: ['alertname!="NodeDown"'],
        equal: [host],
      },
    ],
    receivers: [{ name: 'nobody' }, { name: 'slack', webhook_configs: [{ url: webhook }] }],
  });
}

function changesOf(truth: Truth): Change[] {
  const changes = truth.firings.flatMap(({ labels, startsAt, endsAt }): Change[] => [
    { at: Date.parse(startsAt), labels, startsAt },
    { at: Date.parse(endsAt), labels, startsAt: undefined },
  ]);
  return changes.sort((a, b) => a.at - b.at);
}

export async function runRealAlertmanager(
  truth: Truth,
  messages: string,
  speed: number,
): Promise<void> {
  const style = labelStyle(truth.style);
  const work = mkdtempSync(join(tmpdir(), 'quell-alertmanager-'));
  const out = openSync(messages, 'w');
  const began = { virtual: Date.parse(truth.from), real: 0 };
  const virtualNow = (): number => began.virtual + (Date.now() - began.real) * speed;
  /** The present start of each alert, in the recording's time. */
  const starts = new Map<string, string>();
  const episodes = new Map<string, number>();
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      // Alertmanager's own format, version 4.
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Webhook;
      const at = new Date(virtualNow()).toISOString();
      const line = messageOf(body, starts, style, at);
      const episode = episodes.get(body.groupKey) ?? 0;
      // A group that has resolved is another incident when it fires again.
      if (line === undefined) episodes.set(body.groupKey, episode + 1);
      else {
        const incident = `${body.groupKey}#${episode}`;
        writeSync(out, `${JSON.stringify({ ...line, at, incident })}\n`);
      }
      response.end();
    });
  });
  const hook = await listen(receiver);
  const port = await freePort();
  const config = join(work, 'alertmanager.yml');
  writeFileSync(config, configuration(style, `http://127.0.0.1:${hook}/`, speed));
  const args = [
    `--config.file=${config}`,
    `--storage.path=${work}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
    '--log.level=error',
  ];
  const alertmanager = spawn('prometheus-alertmanager', args, { stdio: 'ignore' });
  try {
    await untilReady(port);
    began.real = Date.now();
    await feed(changesOf(truth), { port, starts, virtualNow });
    await pause(Math.ceil((20 * 60_000) / speed));
  } finally {
    const exited = new Promise((resolve) => alertmanager.once('exit', resolve));
    alertmanager.kill();
    await exited;
    receiver.closeAllConnections();
    receiver.close();
    closeSync(out);
    rmSync(work, { recursive: true, force: true });
  }
}

async function feed(
  changes: readonly Change[],
  {
    port,
    starts,
    virtualNow,
  }: {
    readonly port: number;
    readonly starts: Map<string, string>;
    readonly virtualNow: () => number;
  },
): Promise<void> {
  let next = 0;
  while (next < changes.length) {
    const now = virtualNow();
    const due: Change[] = [];
    for (
      let change = changes[next];
      change !== undefined && change.at <= now;
      change = changes[next]
    ) {
      due.push(change);
      next += 1;
    }
    if (due.length > 0) await post(port, due, starts);
    await pause(2);
  }
}

async function post(
  port: number,
  due: readonly Change[],
  starts: Map<string, string>,
): Promise<void> {
  const real = new Date().toISOString();
  const never = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const alerts = due.map(({ labels, startsAt }) => {
    if (startsAt === undefined) return { labels, endsAt: real };
    starts.set(canonicalKey(labels), startsAt);
    return { labels, startsAt: real, endsAt: never };
  });
  const response = await fetch(`http://127.0.0.1:${port}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(alerts),
  });
  if (!response.ok)
    throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`);
}

function messageOf(
  { groupKey, alerts }: Webhook,
  starts: ReadonlyMap<string, string>,
  style: LabelStyle,
  at: string,
): MessageLine | undefined {
  const firing = alerts
    .filter(({ status }) => status === 'firing')
    .map(({ labels }) => ({ labels, startsAt: starts.get(canonicalKey(labels)) ?? at }))
    .sort((a, b) => (a.startsAt < b.startsAt ? -1 : 1));
  const [first] = firing;
  if (first === undefined) return undefined;
  const root = first.labels[style.serviceLabel] ?? null;
  return { at, action: 'post', incident: groupKey, alerts: firing, root };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server has an address object.
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const ready = await fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await pause(50);
  }
  throw new Error('prometheus-alertmanager does not get ready: is it installed?');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { speed: { type: 'string', default: '1000' } },
    allowPositionals: true,
  });
  const [dir, messages] = positionals;
  if (dir === undefined || messages === undefined) {
    process.stderr.write('usage: real-alertmanager.ts DIR MESSAGES.jsonl [--speed 1000]\n');
    process.exitCode = 2;
    return;
  }
  await runRealAlertmanager(readTruth(join(dir, 'truth.json')), messages, Number(values.speed));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
