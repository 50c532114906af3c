/**
 * Slack is away while everything goes on: `quell serve` as it is built, on a disk, and a Slack that cuts
 * some calls off and never answers others. When it is back each message is written once, as things are
 * by then, the worst first, and no faster than Slack allows.
 *
 *     SLACK_AWAY_S=3600 SLACK_AWAY_MESSAGES=600 npx vitest run test/e2e/slack-away.test.ts
 *
 * Slack takes about 50 updates a minute, so 10,000 messages take more than three hours afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Quell, startQuell } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { byId, slackForTest } from '../support/slack-for-test.ts';
import type { Call, Fault, SlackStandIn } from '../support/slack-stand-in.ts';
import { within } from '../support/within.ts';

const AWAY_S = Number(process.env['SLACK_AWAY_S'] ?? 20);
/** Messages that stand in Slack when it goes away; half as many are to be posted when it is back. */
const MESSAGES = Number(process.env['SLACK_AWAY_MESSAGES'] ?? 40);
const NEW = Math.ceil(MESSAGES / 2);
const CHANNELS = 4;
const SEVERITIES = ['info', 'warning', 'critical', 'high', 'warning'] as const;
const ORDER = ['critical', 'high', 'warning', 'info'];
/** Besides the one that fires all the time. */
const COMING_AND_GOING = 8;
const ROUNDS = 20 + Math.floor(AWAY_S / 20);
const UPDATES_PER_MINUTE = 50;
/** Calls that go at once when there were none for a while. */
const BURST = { updates: 20, posts: 4 };
/** One call asks whether Slack is there again: the worst that waited when it began to ask. */
const PROBE = 1;
const DELIVERY_MAX = 200;
/** The limit of a list in a rules file. */
const SERVICES_PER_FILE = 5_000;

interface Service {
  readonly name: string;
  readonly severity: (typeof SEVERITIES)[number];
  readonly channel: string;
  /** All of it is over when Slack is back. */
  readonly ends: boolean;
  readonly firing: Set<number>;
}

test(`Slack is away for ${AWAY_S} s: then each of ${MESSAGES + NEW} messages is written once, as things are then, the worst first, at its pace`, {
  timeout: (AWAY_S + (MESSAGES / UPDATES_PER_MINUTE) * 90 + 300) * 1_000,
}, async () => {
  let away = false;
  let calls = 0;
  const fault = (): Fault | undefined => {
    if (!away) return undefined;
    return calls++ % 4 === 3 ? { kind: 'stall' } : { kind: 'drop-before' };
  };
  const slack = await slackForTest({ fault });
  const services = Array.from({ length: MESSAGES + NEW }, (_, index) => serviceOf(index));
  const quell = await startQuell({
    rulesDir: rulesFor(services),
    env: { SLACK_BOT_TOKEN: 'xoxb-test', SLACK_API_URL: slack.url },
  });
  const situation = () => `${slack.situation()}\n${quell.tail()}`;
  const told = services.slice(0, MESSAGES);
  await deliver(quell, told, (service) => [change(service, 0, true)]);
  const posting = slack.called('chat.postMessage', MESSAGES);
  await within(60 + MESSAGES / CHANNELS, 'all are told', posting, situation);
  await within(60, 'Slack has all of it', quell.settled(), situation);
  const before = revisions(slack);

  away = true;
  const from = slack.calls.length;
  const until = Date.now() + AWAY_S * 1_000;
  for (let round = 0; round < ROUNDS; round++) {
    const toggled = 1 + (round % COMING_AND_GOING);
    await deliver(quell, services, (service) =>
      [0, toggled].map((id) => change(service, id, id === 0 || !service.firing.has(id))),
    );
    await setTimeout(Math.max(0, (until - Date.now()) / (ROUNDS - round)));
  }
  await deliver(quell, services, (service) =>
    [...service.firing]
      .filter((id) => service.ends || id === 1)
      .map((id) => change(service, id, false)),
  );
  const [waiting] = await quell.metrics('quell_outbox');
  expect(waiting).toBe(MESSAGES + NEW);
  away = false;
  const missed = slack.calls.length - from;

  const draining = 120 + (MESSAGES / UPDATES_PER_MINUTE) * 80;
  await within(draining, 'Slack has all of it', quell.settled(), situation);
  const written = slack.calls.slice(from + missed).filter(isWriting);
  const after = revisions(slack);
  const updates = [...after].reduce((sum, [id, one]) => sum + one - (before.get(id) ?? 0), 0);
  process.stdout.write(
    `${AWAY_S} s away: ${missed} calls in vain, ${updates} updates of ${after.size} messages, ${written.length} written in ${spanS(written)} s\n`,
  );

  // One call at a time asked whether Slack is there, further and further apart.
  expect(missed).toBeLessThan(60 + AWAY_S / 10);
  expect(updates).toBeGreaterThan(5 * services.length);
  expect(written.map(idOf).sort()).toEqual([...byId(slack).keys()].sort());
  expect([...byId(slack).values()].filter((all) => all.length !== 1)).toEqual([]);
  expect(services.filter((service) => !isRight(slack, service)).map(({ name }) => name)).toEqual(
    [],
  );
  expectOrder(written, services);
  expectPace(written);
});

// ---------------------------------------------------------------------------------------------

function serviceOf(index: number): Service {
  return {
    name: `service-${index}-of-${MESSAGES + NEW}`,
    severity: SEVERITIES[index % SEVERITIES.length] ?? 'info',
    channel: `#team-${index % CHANNELS}`,
    ends: index % 7 === 6,
    firing: new Set(),
  };
}

/** Each service is an incident, told at once. */
function rulesFor(services: readonly Service[]): string {
  const dir = join(scratchDir('rules'), 'rules');
  mkdirSync(dir);
  const catalog = services.map(({ name, channel }) => ({ name, channel }));
  for (let from = 0; from < catalog.length; from += SERVICES_PER_FILE) {
    const some = { services: catalog.slice(from, from + SERVICES_PER_FILE) };
    writeFileSync(join(dir, `services-${from}.yaml`), stringify(some));
  }
  const rules = {
    correlate: [{ off: true }],
    hold: [{ for: '0s' }],
    flap: [{ off: true }],
    storm: { off: true },
    route: { channel: 'owner', urgency: 'post' },
    incident: { refresh: '1s' },
  };
  writeFileSync(join(dir, 'rules.yaml'), stringify(rules));
  return dir;
}

/** One alert of a service begins, goes on or ends. */
function change({ name, severity, firing }: Service, id: number, fires: boolean): unknown {
  if (fires) firing.add(id);
  else firing.delete(id);
  const now = new Date().toISOString();
  return {
    status: fires ? 'firing' : 'resolved',
    labels: {
      alertname: 'Broken',
      service: name,
      severity,
      environment: 'production',
      part: `${id}`,
    },
    annotations: { summary: `${name} is broken` },
    startsAt: now,
    endsAt: fires ? '0001-01-01T00:00:00Z' : now,
  };
}

/** What is sent is answered 2xx, whether Slack is there or not. */
async function deliver(
  quell: Quell,
  services: readonly Service[],
  changes: (service: Service) => readonly unknown[],
): Promise<void> {
  const alerts = services.flatMap(changes);
  while (alerts.length > 0) {
    const body = { version: '4', status: 'firing', alerts: alerts.splice(0, DELIVERY_MAX) };
    const response = await quell.post('/v1/ingest/alertmanager', body);
    expect(response.status).toBe(200);
  }
}

function isWriting({ method }: Call): boolean {
  return method === 'chat.postMessage' || method === 'chat.update';
}

interface Payload {
  readonly id: string;
  readonly revision: number;
}

function payloadOf(metadata: unknown): Payload {
  return (metadata as { readonly event_payload: Payload }).event_payload;
}

const idOf = ({ args }: Call): string => payloadOf(args['metadata']).id;

function revisions(slack: SlackStandIn): ReadonlyMap<string, number> {
  return new Map(
    slack.messages().map(({ metadata }) => {
      const { id, revision } = payloadOf(metadata);
      return [id, revision];
    }),
  );
}

function isRight(slack: SlackStandIn, { name, ends, firing }: Service): boolean {
  const { text = '' } = slack.messages().find((message) => message.text.includes(name)) ?? {};
  if (ends) return text.startsWith('🟢');
  return text.includes(`${COMING_AND_GOING + 1} alerts, ${firing.size} still firing`);
}

/** Those that are over are news, and go before fresher numbers; in both the worst comes first. */
function expectOrder(written: readonly Call[], services: readonly Service[]): void {
  const rankOf = ({ args }: Call): number => {
    const text = String(args['text']);
    const { severity = '' } = services.find(({ name }) => text.includes(name)) ?? {};
    return (text.startsWith('🟢') ? 0 : ORDER.length) + ORDER.indexOf(severity);
  };
  const updates = written.filter(({ method }) => method === 'chat.update').map(rankOf);
  expect(misplaced(updates.slice(PROBE))).toBe(0);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const posts = written.filter(
      ({ method, args }) => method === 'chat.postMessage' && args['channel'] === `#team-${channel}`,
    );
    expect(misplaced(posts.slice(PROBE).map((call) => rankOf(call) % ORDER.length))).toBe(0);
  }
}

/** How many came after something less urgent. */
function misplaced(ranks: readonly number[]): number {
  return ranks.filter((rank, index) => rank < Math.max(...ranks.slice(0, index))).length;
}

function expectPace(written: readonly Call[]): void {
  const updates = written.filter(({ method }) => method === 'chat.update');
  expect(mostWithin(updates, 60_000)).toBeLessThanOrEqual(UPDATES_PER_MINUTE + BURST.updates + 1);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const posts = written.filter(
      ({ method, args }) => method === 'chat.postMessage' && args['channel'] === `#team-${channel}`,
    );
    expect(mostWithin(posts, 10_000)).toBeLessThanOrEqual(10 + BURST.posts + 1);
  }
}

function mostWithin(calls: readonly Call[], ms: number): number {
  const counts = calls.map(
    ({ at }) => calls.filter((other) => other.at >= at && other.at < at + ms).length,
  );
  return Math.max(0, ...counts);
}

function spanS(calls: readonly Call[]): number {
  return Math.round(((calls.at(-1)?.at ?? 0) - (calls[0]?.at ?? 0)) / 1_000);
}
