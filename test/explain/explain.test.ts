import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explain } from '../../src/commands/explain.ts';
import { readMoment, renderStory } from '../../src/commands/explain-text.ts';
import { describeDecision } from '../../src/explain/words.ts';
import { CONSEQUENCES, type Decision, type Event, type Reason, VERDICTS } from '../../src/model.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { NOW, type Service, startService } from '../support/service.ts';
import { SHOP } from '../support/story.ts';

// Every reason of the two closed lists.
const REASONS = [...Object.keys(VERDICTS), ...Object.keys(CONSEQUENCES)] as Reason[];
const AROUND = { width: 100, env: {} };

function decision(reason: Reason, over: Partial<Decision> = {}): Decision {
  return {
    at: NOW,
    reason,
    fingerprint: 'f',
    service: 'checkout',
    incident: '7Q2K',
    delivery: 'd1',
    because: undefined,
    ground: undefined,
    rule: undefined,
    why: undefined,
    ...over,
  };
}

test('every reason has words, with and without facts', () => {
  for (const reason of REASONS) {
    const bare = describeDecision(decision(reason, { incident: undefined }), () => undefined);
    expect(bare, reason).toMatch(/^[A-Za-z]/);
    const full = describeDecision(
      decision(reason, { because: 'it rained' }),
      () => 'the cellar is wet',
    );
    expect(full, reason).toContain('it rained');
    expect(bare + full, reason).not.toMatch(/undefined|null/);
  }
});

test('what only a later version notes is said as that calls it', () => {
  const noted = { ...decision('told', {}), because: 'it was loud', reason: 'noticed' };
  // As another version may have written it.
  expect(describeDecision(noted as Decision, () => undefined)).toMatch(/^noticed: it was loud/);
});

test('a decision names its incident, its rule and the why of the rule', () => {
  const joined = decision('joined', {
    because: 'checkout -> payments -> payments-db, 2 hops, 38 s apart',
    rule: 'correlate.yaml:9',
    why: 'We know our platform.',
  });
  expect(describeDecision(joined, () => 'payments-db refuses connections')).toBe(
    'joined incident 7Q2K "payments-db refuses connections", not told by itself: ' +
      'checkout -> payments -> payments-db, 2 hops, 38 s apart (correlate.yaml:9: We know our platform)',
  );
  expect(describeDecision(decision('opened', { rule: 'built-in' }), () => undefined)).toBe(
    'opened incident 7Q2K (built-in correlation)',
  );
});

async function withService(check: (service: Service) => Promise<void>): Promise<void> {
  const service = await startService({ yaml: SHOP });
  try {
    const fire = async (name: string, of: string, more: object = {}) => {
      const alert = { name, service: of, environment: 'production', severity: 'critical', ...more };
      await service.post('/v1/ingest/generic', alert);
      await service.lane.settled();
    };
    const startsAt = NOW;
    await fire('ConnectionsRefused', 'payments-db', {
      summary: 'payments-db refuses connections',
      startsAt,
    });
    await service.pass(38_000);
    await fire('HighErrorRate', 'checkout', { startsAt: NOW + 38_000 });
    await service.pass(5 * 60_000);
    await fire('HighErrorRate', 'checkout', {
      status: 'resolved',
      startsAt: NOW + 38_000,
      endsAt: NOW + 330_000,
    });
    await check(service);
  } finally {
    await service.stop();
  }
}

test('quell explain tells why an alert was not told by itself', () =>
  withService(async ({ url, rules }) => {
    const wanted = 'HighErrorRate{service="checkout"}';
    const { output, exitCode } = await explain(wanted, { url }, AROUND);
    expect(exitCode).toBe(0);
    await expect(settled(output, rules.version)).toMatchFileSnapshot(
      '../golden/explain/joined.txt',
    );
  }));

/** Times are those of the machine; ids come from the alerts. */
function settled(output: string, version: string): string {
  return output
    .replaceAll(/^\d{2}:\d{2}:\d{2}  /gm, '00:00:00  ')
    .replace(/^\d{4}-\d\d-\d\d \(.*$/m, 'a day')
    .replaceAll(/incident [0-9A-Z]{8}/g, 'incident 7Q2K4M1X')
    .replaceAll(/\([0-9a-f]{16}\)/g, '(6019f8d4b47c518a)')
    .replaceAll(/delivery [\w-]+/g, 'delivery 8f1c03ab-2k')
    .replaceAll(version, '3f2a91c');
}

const QUIET = `${SHOP}
hold:
  - { match: ['service="basket"'], for: 10m, why: The cache needs 8 minutes. }
route:
  channel: '#shop'
people: [{ name: Ann, slack: U012AB3CD }]
`;

test('what was over before its hold says which hold would have been short enough', async () => {
  const service = await startService({ yaml: QUIET });
  try {
    const alert = { name: 'Slow', service: 'basket', startsAt: NOW };
    await service.post('/v1/ingest/generic', alert);
    await service.pass(200_000);
    await service.post('/v1/ingest/generic', {
      ...alert,
      status: 'resolved',
      endsAt: NOW + 200_000,
    });
    await service.lane.settled();
    const { output } = await explain('Slow', { url: service.url }, { ...AROUND, width: 80 });
    await expect(settled(output, service.rules.version)).toMatchFileSnapshot(
      '../golden/explain/transient.txt',
    );
  } finally {
    await service.stop();
  }
});

test('the whole chain: received, held, released, routed, posted, acknowledged, updated, resolved', async () => {
  const service = await startService({ yaml: QUIET });
  try {
    const { lane } = service;
    const alert = { name: 'Slow', service: 'basket', startsAt: NOW };
    const submit = (event: Event) => lane.submit(service.now(), [event]);
    await service.post('/v1/ingest/generic', alert);
    await service.pass(600_000);
    await lane.settled();
    const [id = ''] = lane.state.incidents.keys();
    const sent = (revision: number) =>
      ({
        kind: 'delivered',
        effect: `message:${id}`,
        outcome: { kind: 'sent', message: { channel: 'C1', ts: '1795225800.000100' }, revision },
      }) as const;
    await submit(sent(1));
    await service.pass(60_000);
    const reaction = { added: true, emoji: 'eyes', user: 'U012AB3CD', orderedAt: NOW } as const;
    await submit({ kind: 'reaction', ...reaction, on: { incident: id } });
    await submit(sent(2));
    await service.pass(60_000);
    await service.post('/v1/ingest/generic', {
      ...alert,
      status: 'resolved',
      endsAt: NOW + 720_000,
    });
    await lane.settled();
    for (const [wanted, file] of [
      ['Slow', 'whole-chain'],
      [id, 'incident'],
    ] as const) {
      const { output } = await explain(wanted, { url: service.url }, { ...AROUND, width: 80 });
      await expect(settled(output, service.rules.version)).toMatchFileSnapshot(
        `../golden/explain/${file}.txt`,
      );
    }
  } finally {
    await service.stop();
  }
});

test('quell explain takes a fingerprint, and prints JSON', () =>
  withService(async (service) => {
    const [fingerprint = ''] = service.lane.state.alerts.keys();
    const { output, exitCode } = await explain(
      fingerprint,
      { url: service.url, json: true },
      AROUND,
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      fingerprint,
      alert: { name: 'ConnectionsRefused' },
    });
  }));

test('several that match: the newest is explained, the others are named', () =>
  withService(async ({ url }) => {
    const { output } = await explain('environment="production"', { url }, AROUND);
    expect(output).toMatch(/^high error rate of checkout/);
    expect(output).toMatch(
      /Others that match:\n {2}[0-9a-f]{16} {2}ConnectionsRefused of payments-db\n$/,
    );
    const at = new Date(NOW).toISOString();
    expect((await explain('environment="production"', { url, at }, AROUND)).output).toMatch(
      /^connections refused/,
    );
  }));

test('what cannot be explained is 1, what cannot be asked is 2, each with what to do', () =>
  withService(async ({ url }) => {
    for (const [wanted, flags, exitCode, problem] of [
      ['0123456789abcdef', { url }, 1, /no alert 0123456789abcdef: it never came in/],
      ['Nothing', { url }, 1, /no alert matches Nothing, in memory or/],
      ['{', { url }, 2, /match: the opening \{ has no closing \}/],
      [
        'x',
        { url: 'http://127.0.0.1:1' },
        2,
        /cannot reach Quell at http:\/\/127\.0\.0\.1:1: start it/,
      ],
      ['x', { url: `${url}/metrics?` }, 2, /does not answer like Quell: check --url/],
      ['x', { at: 'noon' }, 2, /--at: "noon" is no time/],
      ['x', { dataDir: '/no/such/folder' }, 2, /no folder \/no\/such\/folder/],
    ] as const) {
      const result = await explain(wanted, flags, AROUND);
      expect([result.exitCode, result.output], wanted).toEqual([exitCode, '']);
      expect(result.problem).toMatch(problem);
    }
  }));

test('the API token is sent when the environment has one', async () => {
  const service = await startService({ apiToken: 'let-me-read' });
  try {
    await service.post('/v1/ingest/generic', { name: 'A' });
    await service.lane.settled();
    const refused = await explain('A', { url: service.url }, AROUND);
    expect(refused.problem).toMatch(/set QUELL_API_TOKEN/);
    const env = { QUELL_API_TOKEN: 'let-me-read' };
    expect((await explain('A', { url: service.url }, { ...AROUND, env })).exitCode).toBe(0);
  } finally {
    await service.stop();
  }
});

test('the files of a service that is not running tell the same story', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quell-explain-'));
  try {
    const store = await openEmbeddedStore(dir);
    const service = await startService({ yaml: SHOP, store });
    await service.post('/v1/ingest/generic', {
      name: 'DiskFull',
      service: 'payments-db',
      severity: 'critical',
    });
    await service.lane.settled();
    const running = await explain('DiskFull', { url: service.url, json: true }, AROUND);
    await service.stop();
    await store.close();
    const stopped = await explain(
      'DiskFull',
      { dataDir: dir, rules: '/no/rules', json: true },
      AROUND,
    );
    expect(stopped.problem).toBe('');
    expect(storyOf(stopped.output).decisions).toEqual(storyOf(running.output).decisions);
    expect(storyOf(stopped.output).decisions.length).toBeGreaterThan(1);
  } finally {
    await rm(dir, { recursive: true });
  }
});

function storyOf(output: string): { readonly decisions: readonly unknown[] } {
  // Our own answer.
  return JSON.parse(output) as { decisions: unknown[] };
}

test('times as people type them', () => {
  const now = new Date(2026, 10, 21, 12, 0, 0).getTime();
  const local = (...parts: [number, number, number, number, number, number?]) =>
    new Date(...parts).getTime();
  for (const [text, at] of [
    ['02:43', local(2026, 10, 21, 2, 43)],
    ['2:43:07', local(2026, 10, 21, 2, 43, 7)],
    ['23:59', local(2026, 10, 20, 23, 59)],
    ['2026-01-31 02:43', local(2026, 0, 31, 2, 43)],
    ['2026-01-31T02:43:10', local(2026, 0, 31, 2, 43, 10)],
    ['2026-01-31T02:43:10Z', Date.parse('2026-01-31T02:43:10Z')],
    ['24:00', 'odd'],
    ['noon', 'odd'],
    ['', 'odd'],
  ] as const) {
    expect(readMoment(text, now), text).toBe(at);
  }
});

test('a heartbeat is explained by its name', async () => {
  const service = await startService({
    yaml: 'heartbeats:\n  - {name: Watchdog, match: alertname="Watchdog", missingAfter: 5m}\n',
  });
  try {
    const labels = { alertname: 'Watchdog' };
    const answer = await service.post('/v1/ingest/generic', { alerts: [{ labels }] });
    expect(answer.ok).toBe(true);
    const { output } = await explain('Watchdog', { url: service.url }, AROUND);
    expect(output).toContain('heartbeat Watchdog');
    expect(output).toContain('It was last heard');
  } finally {
    await service.stop();
  }
});

test('an incident is explained by its id, with the rules that decided', async () => {
  await withService(async (service) => {
    const labels = { alertname: 'Down', service: 'payments-db', severity: 'critical' };
    await service.post('/v1/ingest/generic', { alerts: [{ labels }] });
    const [id = ''] = service.lane.state.incidents.keys();
    const { output, exitCode } = await explain(id, { url: service.url }, AROUND);
    expect(exitCode).toBe(0);
    expect(output).toContain(`(incident ${id})`);
    expect(output).toContain('payments-db: opened incident');
    expect(output).toContain('It was told in #alerts at');
    expect(output).toContain(`Decided by rules ${service.rules.version}.`);
  });
});

test('a time can be said as how long ago it was', () => {
  expect(readMoment('10 min ago', NOW)).toBe(NOW - 600_000);
  expect(readMoment('2h ago', NOW)).toBe(NOW - 7_200_000);
  expect(readMoment('2 apples ago', NOW)).toBe('odd');
});

test('where nothing is recorded the span is named, in UTC', () => {
  const story = {
    fingerprint: 'f',
    name: 'Slow',
    alert: null,
    summary: [],
    chain: [],
    otherwise: [],
    rulesNow: 'built-in',
    decisions: [],
    complete: true,
  };
  const from = Date.parse('2026-03-03T01:43:00Z');
  expect(renderStory(story, 100, { from, to: from + 7_200_000 })).toContain(
    'Nothing is recorded of it from 2026-03-03 01:43 UTC to 2026-03-03 03:43 UTC.',
  );
});

test('what an alert says cannot steer the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = renderStory(
        {
          fingerprint: 'f',
          name: text,
          alert: null,
          summary: [text],
          chain: [
            { at: '2026-03-03T01:43:00Z', reason: 'held', text, fingerprint: null, service: null },
          ],
          otherwise: [{ outcome: 'told', text, changes: [] }],
          rulesNow: text,
          decisions: [],
          complete: true,
        },
        80,
      );
      expect(shown).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});
