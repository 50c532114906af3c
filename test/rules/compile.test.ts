import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SEVERITIES } from '../../src/model.ts';
import { builtInRules, compileRules } from '../../src/rules/compile.ts';
import { formatDiagnostics } from '../../src/rules/files/diagnostics.ts';
import { LISTS, NAMED, SINGLES } from '../../src/rules/compile/schema.ts';
import { DEFAULT_HOLD_MS } from '../../src/rules/defaults.ts';
import { alertOf, at, problemsOf, rulesOf, seenBy, subjectOf } from './support.ts';

test('no file at all gives the built-in rules', () => {
  const result = compileRules([]);
  expect(result).toMatchObject({ kind: 'loaded', warnings: [], files: [] });
  expect(builtInRules().version).toBe('built-in');
});

test('the version changes with any text and any name, and with nothing else', () => {
  const version = (name: string, text: string) => {
    const result = compileRules([{ name, text }]);
    return result.kind === 'loaded' ? result.rules.version : 'refused';
  };
  expect(version('a.yaml', 'hold: []')).toBe(version('a.yaml', 'hold: []'));
  expect(version('a.yaml', 'hold: []')).not.toBe(version('a.yaml', 'hold: [] '));
  expect(version('a.yaml', 'hold: []')).not.toBe(version('b.yaml', 'hold: []'));
  expect(version('a.yaml', 'hold: []')).toMatch(/^[0-9a-f]{7}$/);
});

test.each([
  ['critical', '1', 0],
  ['critical', '2', 240_000],
  ['critical', '3', 300_000],
  ['critical', '', DEFAULT_HOLD_MS.critical],
  ['high', '1', DEFAULT_HOLD_MS.high],
  ['warning', '1', DEFAULT_HOLD_MS.warning],
  ['info', '1', DEFAULT_HOLD_MS.info],
  ['none', '1', DEFAULT_HOLD_MS.none],
] as const)('untuned, an alert %s of tier %s is held for %i ms', (severity, tier, forMs) => {
  const subject = subjectOf({ tier }, { severity });
  expect(builtInRules().hold(subject)).toEqual({ forMs, rule: 'built-in', why: undefined });
});

test('untuned, the milder an alert, the longer it is held', () => {
  const { hold } = builtInRules();
  const held = SEVERITIES.map((severity) => hold(subjectOf({ tier: '2' }, { severity })).forMs);
  expect(held).toEqual([...held].sort((a, b) => a - b));
});

test('holds: the first entry that matches counts, files in the order of their names', () => {
  const result = compileRules([
    { name: 'b.yaml', text: 'hold: [{ for: 9m }]' },
    { name: 'a.yaml', text: `hold:\n  - match: ['alertname="A"']\n    for: 1m\n    why: ADR 12` },
  ]);
  if (result.kind === 'refused') throw new Error(formatDiagnostics(result.errors));
  const { hold } = result.rules;
  expect(hold(subjectOf({ alertname: 'A' }))).toEqual({
    forMs: 60_000,
    rule: 'a.yaml:2',
    why: 'ADR 12',
  });
  expect(hold(subjectOf({ alertname: 'B' }, { severity: 'critical' })).rule).toBe('b.yaml:1');
});

test('holds: what no entry matches has the built-in hold', () => {
  const rules = rulesOf(`hold: [{ match: ['alertname="A"'], for: 9m }]`);
  expect(rules.hold(subjectOf({ alertname: 'B' })).rule).toBe('built-in');
});

test('flap damping and correlation are tuned or switched off by matchers', () => {
  const rules = rulesOf(`
flap:
  - { match: ['alertname="A"'], off: true }
  - { suppress: 1500, sustained: 5m }
correlate:
  - { match: ['team="x"'], off: true, why: they asked }
  - { match: ['team="y"'], by: [labels.cluster, rack], window: 2h }
`);
  expect(rules.flap(subjectOf({ alertname: 'A' }))).toBeUndefined();
  expect(rules.flap(subjectOf({}))).toMatchObject({
    suppress: 1500,
    reuse: 750,
    sustainedMs: 300_000,
    halfLifeMs: 3_600_000,
    rule: 'rules.yaml:4',
  });
  expect(rules.correlate(subjectOf({ team: 'x' }))).toMatchObject({ on: false, why: 'they asked' });
  expect(rules.correlate(subjectOf({ team: 'y' }))).toMatchObject({
    on: true,
    by: ['cluster', 'rack'],
    windowMs: 7_200_000,
    spanMs: 7_200_000,
    maxHops: 2,
    silent: 1,
  });
  expect(rules.correlate(subjectOf({})).rule).toBe('built-in');
});

test('a silence mutes what it matches, between its bounds, and says until when', () => {
  const rules = rulesOf(`
silences:
  - name: known bug
    match: ['service="web"']
    startsAt: '2026-03-01T00:00:00Z'
    endsAt: '2026-03-02T00:00:00+01:00'
    why: JIRA-1
`);
  const web = subjectOf({ service: 'web' });
  expect(rules.muted(web, at('2026-02-28T23:59:59Z'))).toBeUndefined();
  expect(rules.muted(web, at('2026-03-01T00:00:00Z'))).toEqual({
    by: 'known bug',
    rule: 'rules.yaml:3',
    why: 'JIRA-1',
    until: at('2026-03-01T23:00:00Z'),
  });
  expect(rules.muted(web, at('2026-03-01T23:00:00Z'))).toBeUndefined();
  expect(rules.muted(subjectOf({ service: 'api' }), at('2026-03-01T12:00:00Z'))).toBeUndefined();
});

test('a maintenance window recurs by the wall clock of its zone', () => {
  const rules = rulesOf(`
timeIntervals: [{ name: night, times: [{ start_time: '01:00', end_time: '02:00' }] }]
maintenance:
  - name: Sunday database patching
    match: ['service=~".*-db"']
    every: { weekdays: ['sunday'], times: [{ start_time: '02:00', end_time: '04:00' }], location: Europe/London }
  - { name: nightly, match: ['service="batch"'], during: night, endsAt: '2026-06-02T01:30:00Z' }
`);
  const db = subjectOf({ service: 'payments-db' });
  expect(rules.muted(db, at('2026-06-07T01:30:00Z'))).toMatchObject({
    by: 'Sunday database patching',
    until: at('2026-06-07T03:00:00Z'),
  });
  expect(rules.muted(db, at('2026-01-04T01:30:00Z'))).toBeUndefined();
  expect(rules.muted(db, at('2026-01-04T02:30:00Z'))?.until).toBe(at('2026-01-04T04:00:00Z'));
  const batch = subjectOf({ service: 'batch' });
  expect(rules.muted(batch, at('2026-06-01T01:10:00Z'))?.until).toBe(at('2026-06-01T02:00:00Z'));
  expect(rules.muted(batch, at('2026-06-02T01:10:00Z'))?.until).toBe(at('2026-06-02T01:30:00Z'));
  expect(rules.muted(batch, at('2026-06-02T01:40:00Z'))).toBeUndefined();
});

test('a window without matchers is for everything', () => {
  const rules = rulesOf(
    `maintenance: [{ name: move, startsAt: '2026-03-01T00:00:00Z', endsAt: '2026-03-01T02:00:00Z' }]`,
  );
  expect(rules.muted(subjectOf({}), at('2026-03-01T01:00:00Z'))?.by).toBe('move');
});

test('the catalog knows names, aliases and who calls whom', () => {
  const { catalog } = rulesOf(`
services:
  - { name: Web, owner: a, dependsOn: [pay-api, orders, Web2, orders] }
  - { name: Web2, owner: a, dependsOn: payments }
  - { name: payments, owner: a, aliases: pay-api, tier: 1 }
  - { name: orders, owner: a }
`);
  expect(catalog.canonical.get('web')).toBe('Web');
  expect(catalog.canonical.get('Web')).toBe('Web');
  expect(catalog.canonical.get('pay-api')).toBe('payments');
  expect(catalog.services.get('Web')?.dependsOn).toEqual(['payments', 'orders', 'Web2']);
  expect(catalog.callers.get('payments')).toEqual(['Web', 'Web2']);
  expect(catalog.services.get('payments')).toMatchObject({ tier: 1 });
});

test("untuned, a Watchdog is a heartbeat once it was seen; a list of one's own is expected", () => {
  const [watchdog] = builtInRules().heartbeats;
  expect(watchdog).toMatchObject({ name: 'Watchdog', missingAfterMs: 900_000, expected: false });
  expect(watchdog?.matches(subjectOf({ alertname: 'Watchdog' }))).toBe(true);
  expect(watchdog?.matches(subjectOf({ alertname: 'HighCpu' }))).toBe(false);
  const own = rulesOf(`
heartbeats:
  - { name: prometheus eu, match: ['alertname="Watchdog"', 'cluster="eu"'], missingAfter: 10m, channel: '#ops' }
`);
  expect(own.heartbeats).toHaveLength(1);
  expect(own.heartbeats[0]).toMatchObject({
    expected: true,
    missingAfterMs: 600_000,
    channel: '#ops',
  });
  expect(rulesOf('heartbeats: []').heartbeats).toEqual([]);
});

test('reactions: own emoji take the place of the usual ones of that meaning', () => {
  expect(Object.fromEntries(builtInRules().gestures)).toEqual({
    eyes: 'acknowledge',
    white_check_mark: 'solved',
    heavy_check_mark: 'solved',
    ballot_box_with_check: 'solved',
    no_bell: 'snooze',
    wastebasket: 'not-actionable',
  });
  const own = rulesOf('reactions: { acknowledge: [":hand:", "+1"], snooze: eyes }');
  expect(own.gestures.get('hand')).toBe('acknowledge');
  expect(own.gestures.get('+1')).toBe('acknowledge');
  expect(own.gestures.get('eyes')).toBe('snooze');
  expect(own.gestures.get('no_bell')).toBeUndefined();
});

test('the digest is due at its time of day, over a clock change too', () => {
  expect(builtInRules().nextDigest(at('2026-03-01T08:59:59Z'))).toBe(at('2026-03-01T09:00:00Z'));
  expect(builtInRules().nextDigest(at('2026-03-01T09:00:00Z'))).toBe(at('2026-03-02T09:00:00Z'));
  const london = rulesOf(`digest: { at: ['09:00', '01:30'], location: Europe/London }`);
  expect(london.nextDigest(at('2026-03-28T12:00:00Z'))).toBe(at('2026-03-29T01:30:00Z'));
  expect(london.nextDigest(at('2026-03-29T02:00:00Z'))).toBe(at('2026-03-29T08:00:00Z'));
  expect(london.nextDigest(at('2026-10-25T02:00:00Z'))).toBe(at('2026-10-25T09:00:00Z'));
});

test('settings that are stated once: what is not stated stays as it is built in', () => {
  const rules = rulesOf(`
incident: { reopenWithin: 1h, resolveTimeout: never }
storm: { off: true }
transactions: { ttl: 2h, servicesMax: 3 }
hubs: { callers: 5 }
links: { logs: 'https://logs.example.com/?q={transaction}' }
people: [{ name: Ann, slack: U0ANN }]
`);
  const usual = builtInRules();
  expect(rules.life).toEqual({ ...usual.life, reopenWithinMs: 3_600_000 });
  expect(rules.life.resolveTimeoutMs).toBe(Number.POSITIVE_INFINITY);
  expect(rules.storm).toEqual({ ...usual.storm, on: false });
  expect(rules.transactions).toEqual({ ttlMs: 7_200_000, alertsMax: 50, servicesMax: 3 });
  expect(rules.hubCallers).toBe(5);
  expect(rules.links.logs).toBe('https://logs.example.com/?q={transaction}');
  expect(rules.people.get('U0ANN')).toBe('Ann');
});

test('mappings of foreign JSON are kept by name, with their place', () => {
  const { mappings } = rulesOf(`
ingest:
  zabbix:
    alerts: events[]
    status: { from: event.value, resolved: ['0', OK] }
    labels: { alertname: trigger.name, team: =ops }
`);
  expect(mappings.get('zabbix')).toEqual({
    name: 'zabbix',
    alerts: 'events[]',
    status: { from: ['event.value'], resolved: ['0', 'OK'], ignored: [] },
    startsAt: undefined,
    endsAt: undefined,
    generatorURL: undefined,
    labels: { alertname: ['trigger.name'], team: ['=ops'] },
    annotations: {},
    rule: 'rules.yaml:4',
  });
});

test('no bytes crash it: data or diagnostics', () => {
  const keys = [...Object.keys(LISTS), ...Object.keys(SINGLES), ...Object.keys(NAMED)];
  const piece = fc.oneof(
    fc.constantFrom(...keys.map((key) => `\n${key}:`), ' ', '\n', '\n  - ', '\n    ', ': ', '\t'),
    fc.constantFrom('{', '}', '[', ']', '"', "'", '|', '>', '&a ', '*a', '!!', '---\n', '# ', ','),
    fc.constantFrom('name: x', 'match: a="b"', 'for: 5m', '__proto__: ', 'routes:', 'null', '~'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const texts = fc.oneof(
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => new TextDecoder().decode(bytes)),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const result = compileRules([{ name: 'x.yaml', text }]);
      if (result.kind === 'loaded') {
        const subject = seenBy(result.rules, { alertname: 'A' });
        result.rules.route(subject);
        result.rules.hold(subject);
      } else {
        expect(result.errors.length).toBeGreaterThan(0);
        expect(formatDiagnostics(result.errors)).not.toBe('');
      }
    }),
    { numRuns: 400 },
  );
});

test('no shape of data crashes it either', () => {
  const keys = [...Object.keys(LISTS), ...Object.keys(SINGLES), ...Object.keys(NAMED)];
  const inner = [
    'name',
    'match',
    'for',
    'from',
    'map',
    'routes',
    'every',
    'times',
    'text',
    'mention',
  ];
  const data = fc.dictionary(
    fc.constantFrom(...keys),
    fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(
          'x',
          'labels.x',
          'a="b"',
          'owner',
          5,
          true,
          null,
          '5m',
          '',
          'monday:friday',
        ),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...inner), tie('any'), { maxKeys: 4 }),
      ),
    })).any,
  );
  fc.assert(
    fc.property(data, (value) => {
      const result = compileRules([{ name: 'x.yaml', text: JSON.stringify(value) }]);
      if (result.kind === 'refused') expect(result.errors.length).toBeGreaterThan(0);
    }),
    { numRuns: 400 },
  );
});

test('names that every object has are names like any other', () => {
  const rules = rulesOf(`
services:
  - { name: __proto__, owner: a, dependsOn: constructor }
  - { name: constructor, owner: a }
severity: { map: { __proto__: critical, constructor: high } }
`);
  expect(rules.catalog.services.get('__proto__')?.dependsOn).toEqual(['constructor']);
  const severity = (word: string) => rules.normalise(alertOf({ severity: word })).severity;
  expect(severity('constructor')).toBe('high');
  expect(severity('toString')).toBe('warning');
});

test('two thousand services with dependencies are checked', () => {
  const lines = Array.from(
    { length: 2_000 },
    (_, i) =>
      `  - { name: s${i}, owner: a, dependsOn: [s${(i * 7) % 2_000}, s${(i * 13 + 1) % 2_000}] }`,
  );
  expect(
    problemsOf(`services:\n${lines.join('\n')}`).filter((one) => !one.startsWith('warning')),
  ).toEqual([]);
});

test('however many warnings there are, a mistake is not lost behind them', () => {
  const services = Array.from({ length: 600 }, (_, n) => `  - name: service-${n}\n`).join('');
  const text = `services:\n${services}route: { channel: '#a', routes: [{ match: ['tier=~"("'] }] }\n`;
  const result = compileRules([{ name: 'a.yaml', text }]);
  expect(result).toMatchObject({ kind: 'refused', errors: [{ severity: 'error' }] });
});
