/** Edits of rules files: the new text stands where it belongs, and nothing else is touched. */
import { expect, test } from 'vitest';
import { compileRules } from '../../src/rules/compile.ts';
import { type Edit, edit } from '../../src/rules/files/edit.ts';

const HOLD: Edit = {
  kind: 'hold',
  entry: {
    match: ['alertname="A"', 'severity!="critical"'],
    for: '5m',
    why: 'It ends, by itself.',
  },
};
const ROUTE = {
  kind: 'route',
  entry: { match: ['alertname="A"'], urgency: 'digest' },
} as const satisfies Edit;
const DEPENDS: Edit = { kind: 'service-list', service: 'web', key: 'dependsOn', value: 'store' };
const SERVICES: Edit = { kind: 'services', entries: [{ name: 'one' }, { name: 'two' }] };
const STORE = 'services:\n  - name: store\n';

interface Case {
  readonly name: string;
  readonly edit: Edit;
  readonly before: string;
  readonly after: string;
}

const CASES: readonly Case[] = [
  {
    name: 'a hold stands before the others, with what is said above them',
    edit: HOLD,
    before: `# all about quiet
hold:
  # the first
  - match: ['alertname="B"'] # beside
    for: 1m
`,
    after: `# all about quiet
hold:
  - match: ['alertname="A"', 'severity!="critical"']
    for: 5m
    why: 'It ends, by itself.'
  # the first
  - match: ['alertname="B"'] # beside
    for: 1m
`,
  },
  {
    name: 'a hold stands after the exceptions',
    edit: HOLD,
    before: `hold:
- match: ['tier="1"']
  for: 0s
# Everything else is held by severity.
flap: []
`,
    after: `hold:
- match: ['tier="1"']
  for: 0s
- match: ['alertname="A"', 'severity!="critical"']
  for: 5m
  why: 'It ends, by itself.'
# Everything else is held by severity.
flap: []
`,
  },
  {
    name: 'a hold stands before one of no time that takes everything',
    edit: HOLD,
    before: 'hold:\n  - for: 0s\n',
    after: `hold:
  - match: ['alertname="A"', 'severity!="critical"']
    for: 5m
    why: 'It ends, by itself.'
  - for: 0s
`,
  },
  {
    name: 'a hold in a list on one line',
    edit: HOLD,
    before: 'hold: [{ for: 2m }] # short\n',
    after: `hold: [{ match: ['alertname="A"', 'severity!="critical"'], for: 5m, why: 'It ends, by itself.' }, { for: 2m }] # short\n`,
  },
  {
    name: 'a last line without a line break',
    edit: HOLD,
    before: 'hold:\n  - match: [\'tier="1"\']\n    for: 0s',
    after: `hold:
  - match: ['tier="1"']
    for: 0s
  - match: ['alertname="A"', 'severity!="critical"']
    for: 5m
    why: 'It ends, by itself.'`,
  },
  {
    name: 'lines that end as on Windows',
    edit: HOLD,
    before: 'hold:\r\n  - for: 1m\r\n',
    after: `hold:\r\n  - match: ['alertname="A"', 'severity!="critical"']\r\n    for: 5m\r\n    why: 'It ends, by itself.'\r\n  - for: 1m\r\n`,
  },
  {
    name: 'a hold changes the entry with the same matchers, in whatever order and spelling',
    edit: HOLD,
    before: `hold:
  - match: ['tier="1"']
    for: 0s
  - match: ['alertname="B"']
    for: 1m
  # as agreed
  - matchers: ['severity!=critical, alertname=A']
    for: 2m # was 1m
`,
    after: `hold:
  - match: ['tier="1"']
    for: 0s
  - match: ['alertname="B"']
    for: 1m
  # as agreed
  - matchers: ['severity!=critical, alertname=A']
    why: 'It ends, by itself.'
    for: 5m # was 1m
`,
  },
  {
    name: 'a hold on one line is changed, with its reason',
    edit: HOLD,
    before: `hold: [{ match: ['alertname="A"', 'severity!="critical"'], for: 2m, why: short }]\n`,
    after: `hold: [{ match: ['alertname="A"', 'severity!="critical"'], for: 5m, why: 'It ends, by itself.' }]\n`,
  },
  {
    name: 'a hold stands below what asks for more of the same alerts',
    edit: HOLD,
    before: `hold:
  - match: ['alertname="B"']
    for: 1m
  - match: ['alertname="A"', 'severity!="critical"', 'service="web"']
    for: 20m
  - for: 2m
`,
    after: `hold:
  - match: ['alertname="B"']
    for: 1m
  - match: ['alertname="A"', 'severity!="critical"', 'service="web"']
    for: 20m
  - match: ['alertname="A"', 'severity!="critical"']
    for: 5m
    why: 'It ends, by itself.'
  - for: 2m
`,
  },
  {
    name: 'a route with the same matchers is changed, and keeps its channel',
    edit: { kind: 'route', entry: { ...ROUTE.entry, channel: '#other' } },
    before: `route:
  routes:
    - match:
        - alertname=A
      channel: '#ours'
      routes:
        - match: ['tier="1"']
          urgency: post
`,
    after: `route:
  routes:
    - match:
        - alertname=A
      urgency: digest
      channel: '#ours'
      routes:
        - match: ['tier="1"']
          urgency: post
`,
  },
  {
    name: 'a route stands before its siblings',
    edit: ROUTE,
    before: `route:
  channel: '#alerts'
  routes:
    - match: ['tier="1"']
      channel: '#one'
`,
    after: `route:
  channel: '#alerts'
  routes:
    - match: ['alertname="A"']
      urgency: digest
    - match: ['tier="1"']
      channel: '#one'
`,
  },
  {
    name: 'a route without children gets one',
    edit: ROUTE,
    before: "route:\n  channel: '#alerts' # all\n\ndigest: { at: ['09:00'] }\n",
    after: `route:
  channel: '#alerts' # all
  routes:
    - match: ['alertname="A"']
      urgency: digest

digest: { at: ['09:00'] }
`,
  },
  {
    name: 'a route on one line gets a child',
    edit: ROUTE,
    before: "route: { channel: '#alerts' }\n",
    after: `route: { channel: '#alerts', routes: [{ match: ['alertname="A"'], urgency: digest }] }\n`,
  },
  {
    name: 'a service that depends on something',
    edit: DEPENDS,
    before: `${STORE}  - name: web
    dependsOn: [cache] # fast
  - name: cache
`,
    after: `${STORE}  - name: web
    dependsOn: [cache, store] # fast
  - name: cache
`,
  },
  {
    name: 'a service with a list of several lines',
    edit: DEPENDS,
    before: `${STORE}  - name: web
    dependsOn:
      - cache # fast
  - name: cache
`,
    after: `${STORE}  - name: web
    dependsOn:
      - cache # fast
      - store
  - name: cache
`,
  },
  {
    name: 'a service with one plain value',
    edit: DEPENDS,
    before: `${STORE}  - name: web\n    dependsOn: cache\n  - name: cache\n`,
    after: `${STORE}  - name: web\n    dependsOn: [cache, store]\n  - name: cache\n`,
  },
  {
    name: 'a service that depends on nothing yet',
    edit: DEPENDS,
    before: `${STORE}  - name: web
    owner: us # our own
  # ── Others ──
  - name: cache
`,
    after: `${STORE}  - name: web
    owner: us # our own
    dependsOn: [store]
  # ── Others ──
  - name: cache
`,
  },
  {
    name: 'a service on one line',
    edit: DEPENDS,
    before: `${STORE}  - { name: web, owner: us } # short\n`,
    after: `${STORE}  - { name: web, owner: us, dependsOn: [store] } # short\n`,
  },
  {
    name: 'services stand after the others',
    edit: SERVICES,
    before: 'services:\n  - name: web\n    tier: 1\n\nhold: [{ for: 1m }]\n',
    after:
      'services:\n  - name: web\n    tier: 1\n  - name: one\n  - name: two\n\nhold: [{ for: 1m }]\n',
  },
  {
    name: 'services in a list on one line',
    edit: SERVICES,
    before: 'services: [{ name: web }]\n',
    after: 'services: [{ name: web }, { name: one }, { name: two }]\n',
  },
];

test.each(CASES)('$name', ({ edit: wanted, before, after }) => {
  const edited = edit([{ name: 'all.yaml', text: before }], wanted);
  expect(edited?.files).toEqual([{ name: 'all.yaml', text: after }]);
  expect(compileRules(edited?.files ?? [])).toMatchObject({ kind: 'loaded' });
});

test('the place is the line of the new text', () => {
  const edited = edit(
    [{ name: 'q.yaml', text: 'hold:\n  - match: [\'tier="1"\']\n    for: 0s\n  - for: 1m\n' }],
    HOLD,
  );
  expect(edited).toMatchObject({ file: 'q.yaml', line: 4 });
});

test.each([
  [HOLD, 'quiet.yaml', `hold:\n  - match: ['alertname="A"', 'severity!="critical"']\n`],
  [ROUTE, 'routes.yaml', `route:\n  routes:\n    - match: ['alertname="A"']\n`],
  [SERVICES, 'services.yaml', 'services:\n  - name: one\n  - name: two\n'],
] as const)(
  'without such entries they go to the end of the file where they belong, or a new one',
  (wanted, name, text) => {
    const other = { name: 'other.yaml', text: 'hubs: { callers: 9 }\n' };
    const fresh = edit([other], wanted);
    expect(fresh).toMatchObject({ file: name, line: 1 });
    expect(fresh?.files[1]?.text.startsWith(text)).toBe(true);
    const present = edit([{ name, text: '# mine' }], wanted);
    expect(present).toMatchObject({ file: name, line: 2 });
    expect(present?.files[0]?.text.startsWith(`# mine\n${text}`)).toBe(true);
  },
);

test('no entry that an edit puts in, or leaves, is one that nothing reaches', () => {
  for (const { edit: wanted, before } of CASES) {
    const files = edit([{ name: 'all.yaml', text: before }], wanted)?.files ?? [];
    const { warnings } = compileRules(files);
    expect(warnings.filter(({ message }) => message.startsWith('never used'))).toEqual([]);
  }
});

test('an exception with the same matchers was meant: it stays', () => {
  const text = `hold:\n  - match: ['alertname="A"', 'severity!="critical"']\n    for: 0s\n`;
  expect(edit([{ name: 'q.yaml', text }], HOLD)?.files[0]?.text.startsWith(text)).toBe(true);
});

test('a byte order mark stays, and an entry of a shape of its own is left alone', () => {
  const marked = edit([{ name: 'q.yaml', text: '\uFEFFhold:\n  - for: 1m\n' }], HOLD);
  expect(marked?.files[0]?.text.startsWith('\uFEFFhold:\n  - match:')).toBe(true);
  expect(edit([{ name: 'q.yaml', text: 'hold: { for: 1m }\n' }], HOLD)).toBe(undefined);
  expect(edit([{ name: 'q.yaml', text: STORE }], DEPENDS)).toBe(undefined);
});
