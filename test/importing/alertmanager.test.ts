/** Rules made of an Alertmanager configuration: what is carried over, and what is said of the rest. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { runImport } from '../../src/commands/import.ts';
import { importAlertmanager } from '../../src/importing/alertmanager.ts';
import { compileRules } from '../../src/rules/compile.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const CONFIG = 'test/golden/importing/alertmanager.yml';

function imported(text: string) {
  const result = importAlertmanager({ name: 'alertmanager.yml', text });
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.notes));
  return result;
}

function rulesOf(text: string): Rules {
  const result = compileRules(imported(text).files);
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors));
  return result.rules;
}

test('an Alertmanager configuration becomes rules that people can read', async () => {
  const { files, notes } = imported(readFileSync(CONFIG, 'utf8'));
  const said = notes.map(({ file, line, message }) => `${file}:${line}  ${message}`).join('\n');
  const text = files.map((file) => `==> ${file.name}\n${file.text}`).join('\n');
  await expect(`${text}\n==> said\n${said}\n`).toMatchFileSnapshot('../golden/importing/rules.txt');
});

test('no secret of the configuration is repeated', () => {
  const { files, notes } = imported(readFileSync(CONFIG, 'utf8'));
  expect(JSON.stringify([files, notes])).not.toMatch(/SECRET|hooks\.slack/);
});

test('an alert goes to the channel that Alertmanager would have sent it to', () => {
  const rules = rulesOf(readFileSync(CONFIG, 'utf8'));
  const channelOf = (labels: Record<string, string>) => {
    const facts = rules.normalise({
      source: 'alertmanager',
      status: 'firing',
      labels,
      annotations: {},
      startsAt: 0,
      endsAt: undefined,
      generatorURL: undefined,
    });
    return rules.route({ labels, facts, source: 'alertmanager' });
  };
  expect(channelOf({ alertname: 'Any', severity: 'warning' }).channel).toBe('#alerts');
  expect(channelOf({ team: 'payments', severity: 'page', env: 'prod' })).toMatchObject({
    channel: '#payments',
    mention: ['here', 'S0123ABC'],
  });
  expect(channelOf({ alertname: 'Watchdog' }).urgency).toBe('drop');
});

test.each([
  ['', 'no route: is this the configuration of an Alertmanager?'],
  ['receivers: []', 'no route: is this the configuration of an Alertmanager?'],
  [
    'apiVersion: v1\nkind: ConfigMap\ndata: { alertmanager.yml: "route: {}" }',
    expect.stringContaining('Take the alertmanager.yml that is within it') as string,
  ],
  ['- a list', expect.stringContaining('is a mapping, not a list') as string],
  ['route: {', expect.any(String) as string],
])('%j is no configuration', (text, message) => {
  const result = importAlertmanager({ name: 'alertmanager.yml', text });
  expect(result).toMatchObject({ kind: 'refused', notes: [{ message }] });
});

test('what the check says of the result is said of the lines as they are written', async () => {
  const dir = scratchDir('import');
  const path = join(dir, 'alertmanager.yml');
  const routes = "[{ matchers: ['a=b'] }, { matchers: ['a=b', 'c=d'] }]";
  writeFileSync(path, `route:\n  receiver: x\n  routes: ${routes}\nreceivers: [{ name: x }]\n`);
  const out = join(dir, 'rules');
  const { output } = await runImport(path, { out });
  const line = Number(/routes\.yaml:(\d+) {2}no alert takes this route/.exec(output)?.[1]);
  const written = readFileSync(join(out, 'routes.yaml'), 'utf8').split('\n');
  expect(written[line - 1]).toContain('c="d"');
});

test('odd parts are left out and said, the rest is carried over', () => {
  const { files, notes } = imported(`
route:
  receiver: nowhere
  routes: [7, { matchers: ['a=b'], receiver: team }]
receivers: [{ slack_configs: [] }, { name: team, slack_configs: [{ channel: team }] }]
surprise: yes
`);
  expect(files[0]?.text).toContain(`match: ['a="b"']`);
  expect(files[0]?.text).toContain(`channel: '#team'`);
  expect(notes.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
});

function routesText(routes: string, receivers = ''): string {
  return imported(`
route:
  receiver: main
  routes:
${routes}
receivers:
  - { name: main, slack_configs: [{ channel: '#main' }] }
  - { name: team, slack_configs: [{ channel: '#team' }] }
  - { name: calling, slack_configs: [{ channel: '#calling', text: '<!here> look' }] }
  - { name: 'null' }
  - { name: pager, pagerduty_configs: [{ routing_key: x }] }
${receivers}`)
    .files.map(({ text }) =>
      text
        .split('\n')
        .filter((line) => !line.trim().startsWith('#'))
        .join('\n'),
    )
    .join('\n');
}

test.each([
  ["{ matchers: ['!!'], receiver: team }", 'a matcher cannot be read'],
  ['{ matchers: [\'a=~"("\'], receiver: team }', 'a matcher cannot be read'],
  ['{ match: [a, b], receiver: team }', 'expected labels and values'],
  ['{ matchers: [{ a: b }], receiver: team }', 'expected texts'],
  ['{ match_re: { a: { b: c } }, receiver: team }', 'expected labels and values'],
])('a route %s would match too much without its matcher: it is left out', (route, why) => {
  const text = `route: { receiver: main, routes: [${route}] }\nreceivers: [{ name: team, slack_configs: [{ channel: t }] }]`;
  const { files, notes } = imported(text);
  expect(files[0]?.text).not.toContain('#t');
  expect(notes.some(({ message }) => message.includes(why))).toBe(true);
});

test('what is below a receiver that notifies nobody is told all the same', () => {
  const text = routesText(`
    - receiver: 'null'
      matchers: [team="x"]
      routes:
        - { matchers: [severity="critical"], receiver: team }
        - { matchers: [severity="warning"] }`);
  expect(text).toContain(`urgency: drop
      routes:
        - match: ['severity="critical"']
          channel: '#team'
          urgency: post
        - match: ['severity="warning"']
`);
});

test('whom a receiver calls is not called by the receivers below it', () => {
  const text = routesText(`
    - receiver: calling
      matchers: [team="x"]
      routes: [{ matchers: [a="1"], receiver: team }, { matchers: [a="2"] }]`);
  expect(text).toContain(`mention: ['here']`);
  expect(text).toContain(`channel: '#team'\n          mention: []`);
  expect(text.match(/mention/g)).toHaveLength(2);
});

test('a route that only copies to another tool is left out, and what it matches goes on', () => {
  const text = routesText(`
    - { matchers: [a="1"], receiver: pager, continue: true }
    - { matchers: [a="2"], receiver: team, continue: true }`);
  expect(text).not.toContain('a="1"');
  expect(text).toContain('continue: true');
});

test.each([
  ['severity="page"', 'severity="critical"'],
  ['severity=~"page|critical"', 'severity="critical"'],
  ['severity=~"warn.*"', 'severity="warning"'],
  ['severity!~"info|debug"', 'severity!="info"'],
  ['severity=~"crit.*|err.*"', 'severity=~"critical|high"'],
  ['environment=~"prod|stage"', 'environment=~"production|staging"'],
  ['environment="prod"', 'environment="production"'],
  ['env="prod"', 'env="prod"'],
])("the matcher %s is %s in Quell's words", (theirs, ours) => {
  const text = routesText(`    - { matchers: ['${theirs}'], receiver: team }`);
  expect(text).toContain(`match: ['${ours}']`);
});

test.each([
  ['alerts', '#alerts'],
  ['#alerts', '#alerts'],
  ['C012AB3CD', 'C012AB3CD'],
  ['@ann', undefined],
  ['$CHANNEL', undefined],
  ['#a b', undefined],
  ['', undefined],
  ["'#{{ .GroupLabels.team }}'", 'owner'],
])('a slack_config with the channel %s posts to %s', (channel, ours) => {
  const quoted = channel.startsWith("'") ? channel : JSON.stringify(channel);
  const text = routesText(
    '    - { matchers: [a="1"], receiver: it }',
    `  - { name: it, slack_configs: [{ channel: ${quoted} }] }`,
  );
  if (ours === undefined) expect(text).toMatch(/match: \['a="1"'\]\s*$/);
  else expect(text).toContain(`match: ['a="1"']\n      channel: '${ours}'`);
});

test("Alertmanager's resolve_timeout is not Quell's: a repeat comes hours later", () => {
  const { files, notes } = imported('global: { resolve_timeout: 5m }\nroute: { receiver: x }');
  expect(files.map(({ text }) => text).join('')).not.toContain('5m');
  expect(notes.some(({ message }) => message.startsWith('resolve_timeout'))).toBe(true);
});

test('time intervals that Quell does not understand are left out where they stand and where they are named', () => {
  const { files, notes } = imported(`
route:
  receiver: x
  routes:
    - { matchers: [a="1"], mute_time_intervals: [good, bad, unknown], active_time_intervals: [old] }
time_intervals:
  - { name: good, time_intervals: [{ weekdays: ['monday:friday'] }] }
  - { name: bad, time_intervals: [{ location: Local }] }
  - { name: good, time_intervals: [] }
mute_time_intervals:
  - { name: old, time_intervals: [{ months: ['january:march'], days_of_month: ['-3:-1'], years: ['2026:2030'] }] }
`);
  const text = files.map((file) => file.text).join('');
  expect(text).toContain(`muteTimeIntervals: ['good']`);
  expect(text).toContain(`activeTimeIntervals: ['old']`);
  const messages = notes.map(({ line, message }) => `${line} ${message}`).join('\n');
  expect(messages).toContain('8 a time interval is left out: unknown time zone "Local"');
  expect(messages).toContain('9 a time interval is left out: "good" stands twice');
  expect(messages).toContain('5 there is no time interval "unknown": left out');
});

const word = fc.constantFrom('a', 'b', 'c');
const odd = fc.string({ maxLength: 12 });
const oddMatcher = fc.oneof(odd, fc.constantFrom('severity="page"', 'a=~"("', 'a="1"'));
const oddReceiver = fc.record({
  name: fc.oneof(word, odd),
  slack_configs: fc.array(fc.record({ channel: odd, text: odd }), { maxLength: 2 }),
});
const oddLeaf = fc.record({
  receiver: fc.oneof(word, odd),
  matchers: fc.array(oddMatcher, { maxLength: 3 }),
  mute_time_intervals: fc.array(odd, { maxLength: 1 }),
  continue: fc.boolean(),
});
const oddBranch = fc.record({ receiver: word, routes: fc.array(oddLeaf, { maxLength: 2 }) });
const oddRoute = fc.record({ receiver: word, routes: fc.array(oddBranch, { maxLength: 2 }) });

test('whatever the configuration says, what is made of it has no mistake', () => {
  fc.assert(
    fc.property(
      oddRoute,
      fc.array(oddReceiver, { maxLength: 3 }),
      fc.array(fc.record({ name: odd, time_intervals: fc.array(fc.record({ location: odd })) })),
      (root, receivers, time_intervals) => {
        const { files } = imported(stringify({ route: root, receivers, time_intervals }));
        const result = compileRules(files);
        expect(result.kind === 'refused' ? result.errors : []).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});

interface TheirRoute {
  readonly receiver: string | undefined;
  readonly match: Readonly<Record<string, string>>;
  readonly routes: readonly TheirRoute[];
}

/** Alertmanager's own rule, without continue: the first that matches, as deep as it goes. */
function theirReceiver(route: TheirRoute, labels: Record<string, string>, above: string): string {
  const own = route.receiver ?? above;
  const next = route.routes.find(({ match }) =>
    Object.entries(match).every(([name, value]) => (labels[name] ?? '') === value),
  );
  return next === undefined ? own : theirReceiver(next, labels, own);
}

const match = fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2'), { maxKeys: 2 });
const leaf = fc.record({
  receiver: fc.option(word, { nil: undefined }),
  match,
  routes: fc.constant([]),
});
const branch = fc.record({
  receiver: fc.option(word, { nil: undefined }),
  match,
  routes: fc.array(leaf, { maxLength: 3 }),
});

test('each alert goes to the channel of the receiver that Alertmanager gives it to', () => {
  const receivers = ['a', 'b', 'c'].map((name) => ({
    name,
    slack_configs: [{ channel: `#${name}` }],
  }));
  const labelSets = ['1', '2', '3'].flatMap((x) => ['1', '2', '3'].map((y) => ({ x, y })));
  fc.assert(
    fc.property(word, fc.array(branch, { maxLength: 3 }), (receiver, routes) => {
      const root = { receiver, match: {}, routes };
      const rules = rulesOf(stringify({ route: { receiver, routes }, receivers }));
      for (const labels of labelSets) {
        const facts = rules.normalise({
          source: 'alertmanager',
          status: 'firing',
          labels,
          annotations: {},
          startsAt: 0,
          endsAt: undefined,
          generatorURL: undefined,
        });
        const { channel } = rules.route({ labels, facts, source: 'alertmanager' });
        expect(channel).toBe(`#${theirReceiver(root, labels, receiver)}`);
      }
    }),
    { numRuns: 200 },
  );
});

test('files that are there are not overwritten unasked', async () => {
  const dir = join(scratchDir('import'), 'rules');
  const first = await runImport(CONFIG, { out: dir });
  expect(first.exitCode).toBe(0);
  expect(first.output).toContain(`quell check ${dir}`);
  const [line = ''] = readFileSync(join(dir, 'routes.yaml'), 'utf8').split('\n');
  const [, schema = ''] = /^# yaml-language-server: \$schema=(.*)$/.exec(line) ?? [];
  expect(existsSync(join(dir, schema))).toBe(true);
  await expect(runImport(CONFIG, { out: dir })).rejects.toThrow(/exist already/);
  expect((await runImport(CONFIG, { out: dir, force: true })).exitCode).toBe(0);
  await expect(runImport('nowhere.yml', { out: dir })).rejects.toThrow(
    'nowhere.yml: cannot be read: there is none',
  );
});

test('a file that is no configuration writes nothing', async () => {
  const dir = scratchDir('import');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'a.yml'), 'services: []');
  const { exitCode, output } = await runImport(join(dir, 'a.yml'), { out: join(dir, 'rules') });
  expect({ exitCode, output }).toEqual({
    exitCode: 1,
    output: `${join(dir, 'a.yml')}:1  no route: is this the configuration of an Alertmanager?\nNothing was written.`,
  });
});

test('a folder that says the same already is told so', async () => {
  const dir = scratchDir('import');
  writeFileSync(join(dir, 'mine.yaml'), "route: { channel: '#mine' }\n");
  const { exitCode, output } = await runImport(CONFIG, { out: dir });
  expect(exitCode).toBe(1);
  expect(output).toContain(`With what else is in ${dir}:`);
  expect(output).toContain('route');
});

/** As kube-prometheus-stack sets it up by default. */
const KUBE_PROMETHEUS_STACK = `
inhibit_rules:
  - source_matchers: ['severity = critical']
    target_matchers: ['severity =~ warning|info']
    equal: [namespace, alertname]
  - source_matchers: ['severity = warning']
    target_matchers: ['severity = info']
    equal: [namespace, alertname]
  - source_matchers: ['alertname = InfoInhibitor']
    target_matchers: ['severity = info']
    equal: [namespace]
  - target_matchers: ['alertname = InfoInhibitor']
route:
  receiver: 'null'
  routes: [{ receiver: 'null', matchers: ['alertname = "Watchdog"'] }]
receivers: [{ name: 'null' }]
`;

test('inhibit rules inhibit what they did', () => {
  const rules = rulesOf(KUBE_PROMETHEUS_STACK);
  expect(imported(KUBE_PROMETHEUS_STACK).notes).toEqual([]);
  const subjectOf = (labels: Record<string, string>) => {
    const received = { source: 'alertmanager', status: 'firing', labels, annotations: {} } as const;
    const more = { startsAt: 0, endsAt: undefined, generatorURL: undefined };
    return { labels, source: 'alertmanager', facts: rules.normalise({ ...received, ...more }) };
  };
  const inhibits = (source: Record<string, string>, target: Record<string, string>) =>
    rules.inhibit.flatMap((rule, i) => {
      const [one, other] = [subjectOf(source), subjectOf(target)];
      const is = rule.isSource(one) && rule.isTarget(other);
      return is && rule.valuesOf(one) === rule.valuesOf(other) ? [i] : [];
    });
  const [critical, warning, info] = ['critical', 'warning', 'info'].map((severity) => ({
    alertname: 'KubePod',
    namespace: 'shop',
    severity,
  }));
  if (critical === undefined || warning === undefined || info === undefined) throw new Error();
  const inhibitor = { alertname: 'InfoInhibitor', namespace: 'shop', severity: 'none' };
  expect(inhibits(critical, warning)).toEqual([0]);
  expect(inhibits(critical, { ...warning, namespace: 'crm' })).toEqual([]);
  expect(inhibits(warning, info)).toEqual([1]);
  expect(inhibits(warning, critical)).toEqual([]);
  expect(inhibits(inhibitor, { ...info, alertname: 'Other' })).toEqual([2]);
  expect(inhibits(inhibitor, { ...info, namespace: 'crm' })).toEqual([]);
  expect(inhibits(info, inhibitor)).toEqual([3]);
});

test('older notations of inhibit rules, names, and what cannot be read', () => {
  const { files, notes } = imported(`
route: { receiver: a }
receivers: [{ name: a, slack_configs: [{ channel: a }] }]
inhibit_rules:
  - name: nodes
    source_match: { alertname: NodeDown, severity: page }
    source_match_re: { team: a|b }
    target_match_re: { alertname: Pod.* }
    equal: [node, service]
    equals: [x]
  - 7
  - { source_matchers: ['a=~"("'], target_matchers: ['b="c"'] }
  - { source_matchers: [a=b], target_match: 7 }
`);
  const text = files.find(({ name }) => name === 'inhibit.yaml')?.text;
  expect(text?.slice(text.indexOf('inhibit:'))).toBe(`inhibit:
  # alertmanager.yml:5
  - sourceMatchers: ['alertname="NodeDown"', 'severity="critical"', 'team=~"a|b"']
    targetMatchers: ['alertname=~"Pod.*"']
    equal: ['node', 'service']
    name: 'nodes'
`);
  expect(notes.map(({ line, message }) => `${line} ${message}`)).toEqual([
    '5 severity="page" is written as critical: so Quell calls it',
    '9 service in "equal" is what Quell calls so, which no alert lacks: alerts without that label are equal only if Quell finds the same in others',
    '10 "equals" of an inhibit rule is nothing that Quell knows: left out',
    '11 an inhibit rule that is no mapping: left out',
    expect.stringMatching(/^12 a matcher cannot be read \(.*\): its inhibit rule is left out$/),
    '13 a matcher cannot be read (expected labels and values): its inhibit rule is left out',
  ]);
});

test('the webhook to Quell, tried beside what there was, is no other way to tell people', () => {
  const said = (url: string) =>
    imported(`
route: { receiver: quell }
receivers: [{ name: quell, webhook_configs: [{ url: '${url}' }] }]
`).notes.map(({ message }) => message);
  expect(said('http://quell:8080/v1/ingest/alertmanager').join()).not.toContain('a webhook');
  expect(said('http://other/hook').join()).toContain('notifies by a webhook, which Quell does not');
});
