/**
 * What must be true after whatever happened to Quell under load: nothing is lost, nothing is told twice,
 * and both agree with what the senders know.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { SentAlert } from './alert-senders.ts';
import type { Quell } from './quell-process.ts';
import { listAll } from './read-all.ts';
import { scratchDir } from './scratch-dir.ts';
import { byId, topLevel } from './slack-for-test.ts';
import type { SlackStandIn } from './slack-stand-in.ts';
import { within } from './within.ts';

const ASK_EVERY_MS = 100;

export async function expectTruth(
  quell: Quell,
  truth: ReadonlyMap<string, SentAlert>,
  slack: SlackStandIn,
): Promise<void> {
  // 1. What was answered 2xx is known, and stands where its sender left it.
  const alerts = new Map(
    (await listAll<AlertJson>(quell, '/v1/alerts')).map((alert) => [
      alert.labels.instance_id,
      alert,
    ]),
  );
  const known = [...truth.values()].map(({ id }) => {
    const { status, startsAt, episodes } = alerts.get(id) ?? {};
    return { id, status, startsAt: Date.parse(startsAt ?? ''), episodes };
  });
  expect(known).toEqual(
    [...truth.values()].map(({ id, status, startsAt, fired }) => ({
      id,
      status,
      startsAt,
      episodes: fired,
    })),
  );

  // 2. Each firing and each resolve has its decision, once.
  const decided = new Map<string, Record<string, number>>();
  const services = new Set([...truth.values()].map(({ service }) => service));
  for (const name of services) {
    const decisions = await listAll<DecisionJson>(quell, `/v1/decisions?service=${name}`);
    for (const { fingerprint, reason } of decisions) {
      if (fingerprint === null) continue;
      const counts = decided.get(fingerprint) ?? {};
      decided.set(fingerprint, { ...counts, [reason]: (counts[reason] ?? 0) + 1 });
    }
  }
  const counted = [...truth.keys()].map((id) => {
    const counts = decided.get(alerts.get(id)?.fingerprint ?? '') ?? {};
    const { opened = 0, joined = 0, refired = 0, resolved = 0 } = counts;
    return { id, fired: opened + joined + refired, resolved };
  });
  expect(counted).toEqual(
    [...truth.values()].map(({ id, fired, resolved }) => ({ id, fired, resolved })),
  );

  // What is still held would be told while it is counted here.
  await within(30, 'nothing gathers any more', nothingGathers(quell));
  await within(60, 'what was told last has its message', quell.settled());
  // 3. Each told incident has exactly one message, and each message stands for a told incident.
  const incidents = await listAll<IncidentJson>(quell, '/v1/incidents');
  const told = incidents.filter(({ toldIn }) => toldIn === 'message');
  const messages = byId(slack);
  expect([...messages].filter(([, all]) => all.length !== 1).map(([id]) => id)).toEqual([]);
  expect(told.length).toBeGreaterThan(services.size / 2);
  expect(
    topLevel(slack)
      .map(({ metadata }) => String(metadata.event_payload['id']))
      .sort(),
  ).toEqual(told.map(({ id }) => `message:${id}`).sort());
  // 4. ... that says in the end how things stand.
  const wrong = told.filter(({ id, state, mergedInto }) => {
    const text = messages.get(`message:${id}`)?.[0]?.text ?? '';
    return mergedInto === null && text.startsWith('🟢') !== (state === 'resolved');
  });
  expect(wrong).toEqual([]);
}

async function nothingGathers(quell: Quell): Promise<void> {
  for (;;) {
    const incidents = await listAll<IncidentJson>(quell, '/v1/incidents');
    if (incidents.every(({ state }) => state !== 'gathering')) return;
    await setTimeout(ASK_EVERY_MS);
  }
}

interface AlertJson {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: string;
  readonly startsAt: string;
  readonly episodes: number;
}
interface IncidentJson {
  readonly id: string;
  readonly state: string;
  readonly toldIn: string | null;
  readonly mergedInto: string | null;
}

interface DecisionJson {
  readonly fingerprint: string | null;
  readonly reason: string;
}

/** Each service stands for itself, in a channel of its own, so that Slack's pace holds nobody up. */
export function rulesFor(services: readonly string[]): string {
  const dir = join(scratchDir('rules'), 'rules');
  mkdirSync(dir);
  const rules = {
    services: services.map((name) => ({ name, tier: 1, channel: `#${name}` })),
    // Nothing but the service makes alerts one incident, also when many begin at once.
    correlate: [{ off: true }],
    // Held for a moment: some are over before, some are told by a timer that a kill interrupts.
    hold: [{ match: ['severity="warning"'], for: '2s' }],
    flap: [{ off: true }],
    route: { channel: 'owner' },
    storm: { off: true },
  };
  writeFileSync(join(dir, 'rules.yaml'), stringify(rules));
  return dir;
}
