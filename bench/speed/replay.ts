/**
 * How fast history is decided again: `quell replay` on the weeks that bench/noise generates.
 *
 * Timed by the clock from the start of the process to its end, as whoever waits for it does.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, writeGenerated } from '../noise/generate.ts';
import type { Table } from './parts.ts';

const DAYS = 50;
const SERVICES = 45;

/** `main` is Quell as it is built: dist/main.js. The least of so many `rounds` counts. */
export function replay(main: string, rounds: number): Table {
  const dir = mkdtempSync(join(tmpdir(), 'quell-speed-replay-'));
  try {
    const history = generate({ seed: '1', days: DAYS, services: SERVICES, labels: 'plain' });
    writeGenerated(history, dir);
    const recording = join(dir, 'recording.jsonl');
    const args = [main, 'replay', recording, '--rules', join(dir, 'rules')];
    let seconds = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      execFileSync(process.execPath, args, { stdio: 'pipe' });
      seconds = Math.min(seconds, (performance.now() - began) / 1_000);
    }
    const { length } = history.deliveries;
    const alerts = history.deliveries.reduce(
      (sum, { notification }) => sum + notification.alerts.length,
      0,
    );
    const megabytes = statSync(recording).size / 1e6;
    const each = [length, alerts, megabytes, seconds, length / seconds, alerts / seconds];
    return {
      title: `Replay of ${DAYS} days of ${SERVICES} services, the least of ${rounds} runs`,
      head: ['deliveries', 'alerts', 'MB', 'seconds', 'deliveries/s', 'alerts/s'],
      rows: [each.map((value) => value.toFixed(value < 1_000 ? 1 : 0))],
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
