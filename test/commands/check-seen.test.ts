import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { check } from '../../src/commands/check.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-03-03T10:00:00Z');

interface Sent {
  readonly name: string;
  readonly service?: string;
  /** Minutes after the start. */
  readonly at: number;
  readonly since?: number;
  readonly resolved?: true;
  readonly annotations?: Readonly<Record<string, string>>;
}

function lineOf({ name, service, at, since = at, resolved, annotations = {} }: Sent): string {
  const iso = (minutes: number) => new Date(START + minutes * MINUTE).toISOString();
  const alert = {
    status: resolved === true ? 'resolved' : 'firing',
    labels: { alertname: name, ...(service === undefined ? {} : { service }) },
    annotations,
    startsAt: iso(since),
    endsAt: resolved === true ? iso(at) : '0001-01-01T00:00:00Z',
  };
  const body = { version: '4', status: alert.status, alerts: [alert] };
  return JSON.stringify({ at: iso(at), source: 'alertmanager', body });
}

/** Fires at each of these minutes, for some minutes. */
function firings(name: string, service: string, at: readonly number[], minutes: number): Sent[] {
  return at.flatMap((since) => [
    { name, service, at: since },
    { name, service, at: since + minutes, since, resolved: true },
  ]);
}

async function checked(rules: string, sent: readonly Sent[]) {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'rules.yaml'), rules);
  const file = join(scratchDir('recording'), 'seen.jsonl');
  const lines = [...sent].sort((one, other) => one.at - other.at).map(lineOf);
  await writeFile(file, `${lines.join('\n')}\n`);
  const { output, exitCode } = await check(dir, { format: 'text', seen: [file] });
  const text = output.replaceAll(dir, 'rules').replaceAll(file, 'seen.jsonl');
  return { lines: text.split('\n'), exitCode };
}

const RUNBOOK = { runbook_url: 'https://wiki.example.com/r' };
const CATALOG =
  "services: [{ name: payments, aliases: [svc-payments], owner: team, runbook: 'https://wiki.example.com/p' }]";

test('names that the catalog lacks are told where they were seen first, the most frequent first', async () => {
  const { lines, exitCode } = await checked(CATALOG, [
    { name: 'Down', service: 'payments', at: 0 },
    { name: 'Down', service: 'svc-payments', at: 1 },
    { name: 'Down', service: 'paymets', at: 2, annotations: RUNBOOK },
    { name: 'Down', service: 'search', at: 3, annotations: RUNBOOK },
    { name: 'Slow', service: 'search', at: 4, annotations: RUNBOOK },
    { name: 'Odd', at: 5, annotations: RUNBOOK },
  ]);
  expect(lines).toEqual([
    'seen.jsonl:4:1  warning: service "search" is not in the catalog: seen in 2 alerts, Down, Slow',
    '    add it under services:, if only by its name: - { name: search }',
    'seen.jsonl:3:1  warning: service "paymets" is not in the catalog: seen in 1 alert, Down',
    '    did you mean "payments"? Then make it one of its aliases',
    expect.stringMatching(
      /^2 warnings in 1 file; 1 service, version \w+; 6 alerts seen in seen.jsonl\.$/,
    ),
  ]);
  expect(exitCode).toBe(0);
});

test('an alert rule without a runbook is told, unless its service has one', async () => {
  const { lines } = await checked(CATALOG, [
    { name: 'Down', service: 'payments', at: 0 },
    { name: 'DiskFull', at: 1 },
  ]);
  expect(lines.slice(0, 2)).toEqual([
    'seen.jsonl:2:1  warning: the alert rule "DiskFull" has no runbook: seen in 1 alert of DiskFull',
    '    give it an annotation runbook_url, or its service a runbook:',
  ]);
});

test('a heartbeat needs no place in the catalog, and no runbook', async () => {
  const { lines } = await checked(CATALOG, [{ name: 'Watchdog', service: 'prometheus', at: 0 }]);
  expect(lines).toEqual([expect.stringMatching(/^no errors in 1 file/)]);
});

test('a hold that no firing outlasted is told, unless a reason says that it is meant', async () => {
  const rules = `${CATALOG}
hold:
  - { match: ['alertname="Slow"'], for: 10m }
  - { match: ['alertname="Load"'], for: 10m, why: It passes. }
  - { match: ['alertname="Down"'], for: 2m }
  - { match: ['alertname="Rare"'], for: 2m }
`;
  const { lines } = await checked(rules, [
    ...firings('Slow', 'payments', [0, 20, 40, 60, 80], 4),
    ...firings('Load', 'payments', [0, 20, 40, 60, 80], 4),
    ...firings('Down', 'payments', [0, 20, 40, 60, 80], 4),
    ...firings('Rare', 'payments', [0, 20], 1),
  ]);
  expect(lines[0]).toBe(
    'rules/rules.yaml:3:41  warning: none of the 5 firings seen lasted this long, the longest 4m: it would tell none of them by itself',
  );
  expect(lines).toHaveLength(4);
});

test('a silence that matches nothing, or everything, is told', async () => {
  const rules = `${CATALOG}
silences:
  - { name: old, match: ['alertname="Gone"'], endsAt: 2099-01-01T00:00:00Z }
  - { match: ['team!="x"'], endsAt: 2099-01-01T00:00:00Z }
  - { match: ['alertname="Down"'], endsAt: 2099-01-01T00:00:00Z }
maintenance:
  - { name: gone, match: ['alertname="Papers"'], every: { weekdays: [sunday] } }
  - { match: ['alertname="Papers"'], every: { weekdays: [sunday] }, why: It comes back in June. }
`;
  const { lines } = await checked(rules, [
    { name: 'Down', service: 'payments', at: 0 },
    { name: 'Slow', service: 'payments', at: 1 },
  ]);
  expect(lines.filter((line) => line.startsWith('rules/'))).toEqual([
    'rules/rules.yaml:3:5  warning: "old" matches none of the 2 alerts seen',
    'rules/rules.yaml:4:5  warning: this silence matches all 2 alerts seen',
    'rules/rules.yaml:7:5  warning: "gone" matches none of the 2 alerts seen',
  ]);
});

test('a resolve time-out that is shorter than the silence of a source is told', async () => {
  const { lines } = await checked(`${CATALOG}\nincident: { resolveTimeout: 30m }`, [
    { name: 'Down', service: 'payments', at: 0 },
    { name: 'Down', service: 'payments', at: 240, since: 0 },
  ]);
  expect(lines[0]).toBe(
    'rules/rules.yaml:2:29  warning: 1 alert fired on for longer than this without being mentioned: Down of payments, by alertmanager, for 4h',
  );
});

test('with mistakes in the rules the past is not looked at', async () => {
  const { lines, exitCode } = await checked('hold: [{ for: 5mins }]', []);
  expect(lines.at(-1)).toBe('1 error in 1 file.');
  expect(exitCode).toBe(1);
});

test('what the service kept is read from its data directory, a month of it unless said otherwise', async () => {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'rules.yaml'), CATALOG);
  const dataDir = scratchDir('data');
  await mkdir(join(dataDir, 'recorded'));
  const now = new Date();
  const day = now.toISOString().slice(0, 10);
  const kept = lineOf({
    name: 'Down',
    service: 'search',
    at: (now.getTime() - START) / MINUTE - 1,
  });
  await writeFile(join(dataDir, 'recorded', `${day}.jsonl`), `${kept}\n`);
  const { output } = await check(dir, { format: 'text', dataDir });
  expect(output).toContain('service "search" is not in the catalog');
  expect(output).toContain(`1 alert seen in the last 30d of ${dataDir}`);
});

test('a past that is not there: exit code 2', async () => {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'rules.yaml'), CATALOG);
  expect(await check(dir, { format: 'text', seen: ['/nowhere.jsonl'] })).toEqual({
    output: 'cannot read /nowhere.jsonl: no such file or folder',
    exitCode: 2,
  });
  expect(await check(dir, { format: 'text', dataDir: '/nowhere' })).toMatchObject({ exitCode: 2 });
});

test('for pull requests, what was seen keeps its own place', async () => {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'rules.yaml'), CATALOG);
  const file = join(scratchDir('recording'), 'seen.jsonl');
  await writeFile(
    file,
    `${lineOf({ name: 'Down', service: 'search', at: 0, annotations: RUNBOOK })}\n`,
  );
  const { output } = await check(dir, { format: 'github', seen: [file] });
  expect(output).toContain(`::warning file=${file},line=1,col=1,endColumn=2::service "search"`);
});

test('inhibit rules of which nothing was seen, and labels of equal that nobody has or no two share', async () => {
  const rules = `${CATALOG}
inhibit:
  - { sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Slow"'], equal: [service] }
  - { sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Slow"'], equal: [node] }
  - { sourceMatchers: ['alertname="Up"'], targetMatchers: ['alertname="Slow"'] }
  - { sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Odd"'], equal: [service] }
`;
  const { lines } = await checked(rules, [
    { name: 'Down', service: 'payments', at: 0 },
    { name: 'Slow', service: 'payments', at: 1 },
    { name: 'Odd', service: 'svc-search', at: 2 },
  ]);
  expect(lines.filter((line) => line.startsWith('rules/'))).toEqual([
    'rules/rules.yaml:4:91  warning: no alert seen that this rule is about has a label "node": it restricts nothing, because absent counts as equal',
    'rules/rules.yaml:5:5  warning: none of the 3 alerts seen matches the source of this rule',
    'rules/rules.yaml:6:90  warning: of the alerts seen, no source and target have the same "service": the rule would have inhibited none',
  ]);
});
