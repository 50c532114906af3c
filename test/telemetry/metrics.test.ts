import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/config/sources.ts';
import { CONSEQUENCES, type Decision, VERDICTS } from '../../src/model.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const OPERATIONS = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

test('docs/operations.md explains exactly the metrics that there are', async () => {
  const metrics = createMetrics();
  metrics.watch(() => ({
    alerts: 1,
    incidents: 1,
    incidentsOpen: 1,
    unknownServices: () => 0,
    waiting: 0,
    setAside: 0,
    leads: 1,
    outbox: 0,
    outboxOldestMs: 0,
  }));
  const text = await metrics.text();
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
  const own = names.filter((name) => !/^quell_(?:process|nodejs)_/.test(name));
  const rows = [...OPERATIONS.matchAll(/^\| `(quell_\w+)` \| /gm)];
  expect(rows.map(([, name]) => name).toSorted()).toEqual(own.toSorted());
  expect(names).toContain('quell_nodejs_eventloop_lag_p99_seconds');
});

test('docs/operations.md explains exactly the settings that there are', () => {
  const rows = [...OPERATIONS.matchAll(/^\| `((?:QUELL|SLACK)_\w+)` \|/gm)].map(([, name]) => name);
  expect(rows.toSorted()).toEqual(Object.values(SETTINGS).toSorted());
});

test('every metric that the recommended alerts read is there', async () => {
  const text = await createMetrics().text();
  const [, rules = ''] = /```yaml\n([\s\S]*?)```/.exec(OPERATIONS) ?? [];
  const read = [...rules.matchAll(/quell_\w+/g)].map(([name]) => name);
  expect(read.length).toBeGreaterThan(4);
  for (const name of read) expect(text).toContain(`# TYPE ${name} `);
});

test('every verdict and consequence is there from the start, at zero', async () => {
  const text = await createMetrics().text();
  for (const reason of Object.keys(VERDICTS))
    expect(text).toContain(`quell_verdicts_total{reason="${reason}"} 0`);
  for (const reason of Object.keys(CONSEQUENCES))
    expect(text).toContain(`quell_consequences_total{reason="${reason}"} 0`);
});

test('an event counts as its verdict, and as what followed from it', async () => {
  const metrics = createMetrics();
  const decision = { reason: 'told' } as Decision;
  // The verdict is also among the decisions; it counts once.
  metrics.decided('opened', [{ reason: 'opened' } as Decision, decision]);
  metrics.decided(undefined, [decision]);
  metrics.decided('repeat', []);
  const text = await metrics.text();
  expect(text).toContain('quell_verdicts_total{reason="opened"} 1');
  expect(text).toContain('quell_verdicts_total{reason="repeat"} 1');
  expect(text).toContain('quell_consequences_total{reason="told"} 2');
});

test('the version of the rules is the one in force', async () => {
  const metrics = createMetrics();
  metrics.rules('loaded', 'aaa');
  metrics.rules('refused', undefined);
  metrics.rules('loaded', 'bbb');
  const text = await metrics.text();
  expect(text).toContain('quell_rules_info{version="bbb"} 1');
  expect(text).not.toContain('version="aaa"');
  expect(text).toContain('quell_rules_loads_total{outcome="refused"} 1');
});

test('times are told as they are, however many there were since somebody asked', async () => {
  const metrics = createMetrics();
  const commits = async () => /^quell_commit_seconds_count (\d+)$/m.exec(await metrics.text())?.[1];
  expect(await commits()).toBe('0');
  for (let count = 0; count < 2_500; count++) metrics.committed(0.002);
  metrics.answered('/api/v2/alerts', 200, 0.25);
  metrics.answered('/', 200, 0.5);
  metrics.answered('/', 404, 2);
  expect(await commits()).toBe('2500');
  metrics.committed(1);
  const text = await metrics.text();
  expect(text).toContain('quell_commit_seconds_bucket{le="0.0025"} 2500');
  expect(text).toContain('quell_commit_seconds_bucket{le="+Inf"} 2501');
  expect(text).toContain('quell_http_answer_seconds_sum{route="/api/v2/alerts"} 0.25');
  expect(text).toContain('quell_http_answer_seconds_sum{route="/"} 2.5');
});
