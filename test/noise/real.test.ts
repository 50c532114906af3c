/** Recorded metrics become alerts and truth: bench/real, on a made-up recording in the published layout. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { eventsOf, recorded } from '../../bench/real/boutique.ts';

const data = mkdtempSync(join(tmpdir(), 'real-'));
afterAll(() => rmSync(data, { recursive: true }));

const COLUMNS = [
  'CpuUsageRate(%)',
  'MemoryUsageRate(%)',
  'PodServerLatencyP95(s)',
  'PodWorkload(Ops)',
];

/** Two hours of a pod; CPU is high from the 60th minute for `minutes`. */
function write(day: string, minutes: number): void {
  const dir = join(data, 'rca_data', day);
  mkdirSync(join(dir, 'metric'), { recursive: true });
  const at = (minute: number): string =>
    new Date(Date.parse(`${day}T10:00:19Z`) + minute * 60_000).toISOString().replace('T', ' ');
  const rows = Array.from({ length: 120 }, (_, i) => {
    const cpu = i >= 60 && i < 60 + minutes ? 97 : 20;
    return [at(i).slice(0, 19), cpu, 40, 0.01, 9].join(',');
  });
  const pod = 'cart-579f59597d-wc2lz';
  const head = ['Time', ...COLUMNS].join(',');
  writeFileSync(join(dir, 'metric', `${pod}_metric.csv`), [head, ...rows].join('\n'));
  const fine = rows.map((_, i) => `${at(i).slice(0, 19)},100`);
  const front = ['Time,SuccessRate(%)', ...fine];
  writeFileSync(join(dir, 'metric', 'front_service.csv'), front.join('\n'));
  const calls = 'Source,Target,Weight\nfrontend,cart,1\ncart,33.33.33.80,1\n';
  writeFileSync(join(dir, 'metric', 'dependency.csv'), calls);
  const fault = {
    inject_time: at(59).slice(0, 19),
    inject_pod: pod,
    inject_type: 'cpu_contention',
  };
  writeFileSync(join(dir, `${day}-fault_list.json`), JSON.stringify({ '10': [fault] }));
}
write('2022-08-22', 4);
write('2022-08-23', 2);

test('what lasts for longer than its rule waits fires, and belongs to the fault', () => {
  const { fired, faults, dependsOn } = recorded(data, 1);
  expect(fired).toMatchObject([
    {
      labels: { alertname: 'ContainerCpuNearLimit', pod: 'cart-579f59597d-wc2lz' },
      startsAt: Date.parse('2022-08-22T11:02:19Z'),
      endsAt: Date.parse('2022-08-22T11:04:19Z'),
    },
  ]);
  expect(dependsOn).toEqual(new Map([['frontend', ['cart']]]));
  expect(eventsOf(fired, faults)).toMatchObject([
    { root: 'cart', kind: 'brief', actionable: false, severity: 'warning', firings: 1 },
  ]);
});

test('four times as long it asks somebody to act', () => {
  const { fired, faults } = recorded(data, 4);
  expect(fired).toHaveLength(2);
  expect(eventsOf(fired, faults).map(({ actionable }) => actionable)).toEqual([true, true]);
});
