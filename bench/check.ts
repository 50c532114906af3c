/**
 * How long `quell check` takes, start-up included, as a commit hook would wait for it: 2,000 services
 * and 500 routes. Run: npm run build && npx tsx bench/check.ts [rounds]. Results: bench/CHECK.md.
 *
 * The best round counts, since other work on the machine can only add to it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

const SERVICES = 2_000;
const ROUTES = 500;
const TEAMS = 60;
const ROUNDS = 9;

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** In blocks, one key a line, as people write it; each calls up to three of those before it. */
function services(): string {
  const entries = range(SERVICES).map((i) => {
    const calls = [1, 7, 31].map((step) => i - step).filter((j) => j >= 0);
    return [
      `  - name: service-${i}`,
      `    aliases: [svc-${i}]`,
      `    owner: team-${i % TEAMS}`,
      `    tier: ${1 + (i % 3)}`,
      `    capability: Capability ${i % 40}`,
      `    runbook: https://wiki.example.com/runbooks/service-${i}`,
      `    dependsOn: [${calls.map((j) => `service-${j}`).join(', ')}]`,
    ].join('\n');
  });
  return `services:\n${entries.join('\n')}\n`;
}

function routes(): string {
  const entries = range(ROUTES).map((i) =>
    [
      `    - match: ['service="service-${i * 4}"', 'severity=~"critical|high"']`,
      `      channel: '#channel-${i % TEAMS}'`,
      '      mention: oncall',
    ].join('\n'),
  );
  return `route:\n  channel: '#alerts'\n  routes:\n${entries.join('\n')}\n`;
}

function teams(): string {
  const entries = range(TEAMS).map(
    (i) => `  - { name: team-${i}, channel: '#team-${i}', oncall: S0TEAM${i} }`,
  );
  return `teams:\n${entries.join('\n')}\n`;
}

/** Seconds from the call to the exit. */
function timed(...args: readonly string[]): number {
  const began = performance.now();
  const options = { encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync(process.execPath, ['dist/main.js', ...args], options);
  if (status !== 0) throw new Error(`quell ${args.join(' ')} ended with ${status}: ${stderr}`);
  return (performance.now() - began) / 1_000;
}

function report(name: string, seconds: readonly number[]): void {
  const sorted = [...seconds].sort((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const best = sorted[0] ?? Number.NaN;
  console.log(`| ${name} | ${best.toFixed(2)} | ${middle.toFixed(2)} |`);
}

function main(): void {
  const rounds = range(Number(process.argv[2] ?? ROUNDS));
  const dir = mkdtempSync(join(tmpdir(), 'quell-bench-'));
  const files = { 'services.yaml': services(), 'routes.yaml': routes(), 'people.yaml': teams() };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  const load = loadavg()[0]?.toFixed(1);
  console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs, Node ${process.version}, load ${load}`);
  console.log('\n| | best, s | median, s |\n|---|---|---|');
  report(
    `quell check, ${SERVICES} services, ${ROUTES} routes, ${Math.round(bytes / 1024)} kB`,
    rounds.map(() => timed('check', dir)),
  );
  report(
    'quell check rules (the example, 45 services)',
    rounds.map(() => timed('check', 'rules')),
  );
  report(
    'quell test rules (19 tests)',
    rounds.map(() => timed('test', 'rules')),
  );
  rmSync(dir, { recursive: true });
}

main();
