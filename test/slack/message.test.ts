/**
 * What people read in Slack. Each situation has a golden file; after a change of wording, look at
 * the difference as if woken at 3 a.m., and write them anew with `UPDATE_GOLDEN=1`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { DigestEffect, Reply } from '../../src/model.ts';
import {
  type RenderedMessage,
  renderDigest,
  renderMessage,
  renderReply,
} from '../../src/slack/message.ts';
import { capitalised, spelledOut } from '../../src/slack/words.ts';
import type { MessageView } from '../../src/view.ts';
import { bareView, messageView, minutesAgo, NOW } from '../support/message-view.ts';

const GOLDEN = new URL('../golden/slack/', import.meta.url);

function shown({ text, blocks }: RenderedMessage): string {
  const lines = blocks.flatMap((block) =>
    block.type === 'section'
      ? [`[section]`, block.text.text]
      : ['[context]', ...block.elements.map((element) => element.text)],
  );
  return `${text}\n\n--- blocks ---\n${lines.join('\n')}\n`;
}

/** What Slack takes of an update, with each & as it is sent. */
const UPDATE_MAX = 4_000;

test('however many & there are, an update of it is not too long', () => {
  const address = `https://grafana.example.com/d/x?${'a&b&'.repeat(100)}`;
  const links = { ...messageView().links, runbook: address, dashboard: address, source: address };
  const many = { ...links, logs: address, silence: address, explain: address };
  const { text } = renderMessage(messageView({ links: many }));
  expect(text.length).toBeGreaterThan(1_000);
  expect(text.endsWith('…')).toBe(true);
  expect(text.replaceAll('&', '&amp;').length).toBeLessThanOrEqual(UPDATE_MAX);
});

const reply = (of: Reply) => renderReply(of, messageView());

function heartbeat(change: Partial<MessageView>): MessageView {
  const nothing = { services: [], servicesTotal: 0, alerts: { firing: 0, total: 0 } };
  return bareView({ special: 'heartbeat', ...nothing, ...change });
}

function rootOf({ root }: MessageView): NonNullable<MessageView['root']> {
  if (root === undefined) throw new Error('it has a likely cause');
  return root;
}

const acknowledged = [{ user: 'U1', at: minutesAgo(3) }];
const ROOT = rootOf(messageView());

const SITUATIONS: Readonly<Record<string, RenderedMessage>> = {
  'open-critical': renderMessage(messageView({ mention: ['S1'] })),
  'open-one-alert-without-texts': renderMessage(bareView()),
  'open-in-another-channel': renderMessage(
    bareView({ meantFor: { channel: '#team-shop', error: 'is_archived' } }),
  ),
  'open-high-two-capabilities': renderMessage(
    messageView({
      severity: 'high',
      capabilities: ['Checkout', 'Refunds'],
      transactions: { ids: [], total: 0 },
    }),
  ),
  'open-critical-in-staging': renderMessage(
    messageView({ environment: 'staging', neededBy: ['Checkout'] }),
  ),
  'open-info-other-day': renderMessage(
    messageView({ severity: 'info', startsAt: minutesAgo(60 * 27 + 5), capabilities: [] }),
  ),
  'open-critical-of-a-mild-cause': renderMessage(
    messageView({
      capabilities: [],
      victim: 'checkout',
      lead: { ...messageView({}).lead, service: 'payments-db', summary: 'payments-db is slow' },
    }),
  ),
  'open-of-what-others-need': renderMessage(
    messageView({
      capabilities: [],
      neededBy: ['Checkout', 'Refunds', 'Subscriptions', 'Search'],
      services: [{ name: 'payments-db', firing: 2, alerts: 2 }],
      servicesTotal: 1,
      alerts: { firing: 2, total: 2 },
      transactions: { ids: [], total: 0 },
    }),
  ),
  'open-of-services-that-nothing-links': renderMessage(
    messageView({
      capabilities: [],
      root: {
        service: 'etl',
        explains: 1,
        of: 3,
        since: minutesAgo(6),
        reasons: ['it alerted first'],
        tier: undefined,
        owner: undefined,
        explainsOthers: false,
      },
      otherRoots: [],
    }),
  ),
  'open-escalated-twice': renderMessage(
    messageView({ escalated: 2, startsAt: minutesAgo(31), called: ['S1', 'S0UNNAMED', 'here'] }),
  ),
  'open-partly-recovered': renderMessage(
    messageView({
      services: [
        { name: 'payments-db', firing: 1, alerts: 1 },
        { name: 'checkout', firing: 0, alerts: 1 },
        { name: 'payments', firing: 0, alerts: 1 },
      ],
      servicesTotal: 3,
      alerts: { firing: 1, total: 3 },
      capabilities: [],
    }),
  ),
  'open-cause-recovered': renderMessage(
    messageView({
      lead: {
        ...messageView().lead,
        service: 'payments',
        summary: 'payments answers with errors',
        description: undefined,
      },
      root: { ...ROOT, hasRecovered: true },
      links: { ...messageView().links, runbookOf: 'payments', dashboardOf: 'payments' },
    }),
  ),
  'open-of-services-that-share-a-host': renderMessage(
    messageView({
      capabilities: [],
      root: {
        ...ROOT,
        explainsOthers: false,
        shared: { kind: 'host', name: 'node-17', services: 3, of: 4 },
      },
      otherRoots: [],
    }),
  ),
  acknowledged: renderMessage(messageView({ phase: 'acknowledged', acknowledged })),
  'acknowledged-by-two': renderMessage(
    messageView({
      phase: 'acknowledged',
      acknowledged: [...acknowledged, { user: 'U2', at: minutesAgo(0) }],
    }),
  ),
  'claimed-solved': renderMessage(
    messageView({ phase: 'acknowledged', acknowledged, solved: { user: 'U1', at: minutesAgo(1) } }),
  ),
  resolved: renderMessage(
    messageView({
      phase: 'resolved',
      acknowledged,
      startsAt: minutesAgo(23),
      resolvedAt: NOW,
      endedAt: NOW,
      alerts: { firing: 0, total: 14 },
    }),
  ),
  'resolved-by-nobody': renderMessage(
    bareView({
      phase: 'resolved',
      resolvedAt: NOW,
      endedAt: NOW,
      notActionable: [{ user: 'U2', at: NOW }],
    }),
  ),
  'resolved-as-nobody-mentions-it': renderMessage(bareView({ phase: 'resolved', resolvedAt: NOW })),
  're-opened': renderMessage(messageView({ reopened: 2, startsAt: minutesAgo(55) })),
  snoozed: renderMessage(
    messageView({ snoozed: { by: 'U2', until: NOW + 57 * 60_000 }, severity: 'warning' }),
  ),
  flapping: renderMessage(
    messageView({
      severity: 'warning',
      startsAt: minutesAgo(64),
      flapping: { alerts: 3, episodes: 14, isDamped: true },
    }),
  ),
  'comes-and-goes': renderMessage(
    bareView({ flapping: { alerts: 1, episodes: 4, isDamped: false } }),
  ),
  storm: renderMessage(
    messageView({
      special: 'storm',
      storm: {
        incidents: 42,
        goOn: 40,
        worst: [
          { incident: '8A3M', service: 'payments', name: 'TargetDown' },
          { incident: '9C4T', service: 'orders', name: 'HighErrorRate' },
        ],
        before: [{ incident: '6B2Q', service: 'payments-db' }],
      },
      capabilities: [],
      servicesTotal: 23,
      alerts: { firing: 171, total: 1_180 },
    }),
  ),
  'heartbeat-lost': renderMessage(
    heartbeat({
      severity: 'critical',
      heartbeat: { name: 'Watchdog of prometheus-eu', lastSeenAt: minutesAgo(16) },
    }),
  ),
  'heartbeat-back': renderMessage(
    heartbeat({
      phase: 'resolved',
      resolvedAt: NOW,
      heartbeat: { name: 'Watchdog', lastSeenAt: NOW },
    }),
  ),
  merged: renderMessage(messageView({ mergedInto: '9XKA' })),
  'texts-that-want-to-act': renderMessage(
    messageView({
      capabilities: [],
      environment: '*prod*',
      owner: '@here',
      lead: {
        name: '<!channel>',
        service: 'http_gateway_v2',
        summary:
          '<!channel> *urgent* <https://evil.example|click> & `rm -rf` ~now~ :fire:\n<@U999>',
        description: '__proto__ &lt;!here&gt; _it_ > quote\u202e',
        host: undefined,
        isElsewhereToo: false,
        impact: undefined,
      },
      links: {
        runbook: 'javascript:alert(1)',
        dashboard: 'https://user:secret@grafana.example.com/d/1?a=<b>|c',
        source: 'not a link',
        logs: undefined,
        explain: undefined,
      },
    }),
  ),
  'reply-severity-rose': reply({
    kind: 'severity-rose',
    from: 'warning',
    to: 'critical',
    service: 'payments',
    mention: ['S012ONCALL'],
  }),
  'reply-service-joined': reply({
    kind: 'service-joined',
    services: ['orders', 'basket'],
    mention: undefined,
  }),
  'reply-refired': reply({
    kind: 'refired',
    times: 3,
    service: 'payments',
    mention: ['S012ONCALL'],
  }),
  'reply-escalated': reply({ kind: 'escalated', mention: ['S1', 'here'], afterMs: 15 * 60_000 }),
  'reply-silence-over': reply({
    kind: 'silence-over',
    firing: 2,
    user: undefined,
    mention: undefined,
  }),
  'reply-quiet-over': reply({ kind: 'silence-over', firing: 1, user: 'U1', mention: undefined }),
  'reply-not-solved': reply({ kind: 'not-solved', user: 'U1', firing: 3 }),
  'reply-beside': reply({
    kind: 'beside',
    incident: '8AAA',
    service: 'fraud-check',
    name: 'HighLatency',
    severity: 'info',
    mention: undefined,
  }),
  digest: renderDigest(digest()),
};

function digest(): DigestEffect {
  const line = { environment: 'staging', incident: '1', firing: false };
  return {
    kind: 'digest',
    message: undefined,
    id: 'digest:#alerts-dev',
    at: NOW,
    from: minutesAgo(60),
    channel: '#alerts-dev',
    severity: 'warning',
    delivery: undefined,
    lines: [
      {
        ...line,
        service: 'search',
        name: 'HighErrorRate',
        severity: 'warning',
        incidents: 3,
        alerts: 9,
      },
      {
        ...line,
        service: 'basket',
        name: 'KubePodCrashLooping',
        severity: 'info',
        incidents: 1,
        alerts: 1,
        firing: true,
        still: { services: ['basket'], of: 1 },
      },
      {
        ...line,
        service: 'newsletter',
        name: 'QueueGrows',
        severity: 'warning',
        incidents: 1,
        alerts: 9,
        firing: true,
        still: { services: ['mailer', 'templates'], of: 8 },
      },
    ],
  };
}

test.each(Object.keys(SITUATIONS))(
  'the message of "%s" reads as in its golden file',
  async (name) => {
    const rendered = SITUATIONS[name];
    if (rendered === undefined) throw new Error(`no situation ${name}`);
    const file = new URL(`${name}.txt`, GOLDEN);
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, shown(rendered));
    expect(shown(rendered)).toBe(await readFile(file, 'utf8'));
  },
);

test.each([
  ['probe of the shop failed', 'Probe of the shop failed'],
  ['https://shop.example.com/health failed', 'https://shop.example.com/health failed'],
  ['shop.example.com is away', 'shop.example.com is away'],
  ['done. It is over', 'Done. It is over'],
])('%s begins a sentence as %s', (text, sentence) => {
  expect(capitalised(text)).toBe(sentence);
});

test.each([
  ['HighErrorRate', 'high error rate'],
  ['CPUThrottlingHigh', 'CPU throttling high'],
  ['IstioHigh5xxRate', 'istio high 5xx rate'],
  ['Http5XXErrors', 'http 5xx errors'],
  ['p95TooHigh', 'p95 too high'],
  ['DiskWillFillIn4Hours', 'disk will fill in 4 hours'],
  ['SSLCertExpiresIn7Days', 'SSL cert expires in 7 days'],
  ['BIN2HexFailed', 'BIN2 hex failed'],
])('%s is called %s', (name, words) => {
  expect(spelledOut(name)).toBe(words);
});

test.each([
  ['Checkout', 'is'],
  ['Mobile apps', 'are'],
  ['Alerts to readers', 'are'],
  ['Access', 'is'],
  ['Order status', 'is'],
  ['Breaking news', 'is'],
  ['SMS', 'is'],
])('of %s the first line says that it %s failing', (capability, verb) => {
  const { text } = renderMessage(messageView({ capabilities: [capability] }));
  expect(text).toMatch(new RegExp(`^🔴 ${capability} ${verb} failing: `));
});

test('a runbook that is named as its service says the name once', () => {
  const runbook = 'https://wiki.example.com/runbooks/video-api';
  const text = (runbookOf: string): string =>
    renderMessage(messageView({ links: { ...messageView().links, runbook, runbookOf } })).text;
  expect(text('video-api')).toContain(`▸ Runbook of video-api ${runbook}`);
  expect(text('video')).toContain(`▸ Runbook of video: video api ${runbook}`);
});

test('of another candidate is said what it explains, and whether it is over', () => {
  const like = { since: NOW, reasons: [], of: 2_214, explainsOthers: true };
  const otherRoots = [
    { ...like, service: 'orders', explains: 2_210, clearedAt: minutesAgo(14) },
    { ...like, service: 'basket', explains: 3 },
  ];
  const candidates = (over: Partial<MessageView>): string | undefined =>
    /^Other candidates: (.*)$/m.exec(renderMessage(messageView({ otherRoots, ...over })).text)?.[1];
  const basket = 'basket (explains 3 of 2,214 alerts)';
  expect(candidates({})).toBe(`orders (explains 2,210 of 2,214 alerts; recovered) and ${basket}`);
  const root = { ...ROOT, explains: 2_100, of: 2_214, clearedAt: minutesAgo(2) };
  expect(candidates({ root })).toBe(
    `orders (explains 2,210 of 2,214 alerts; recovered 12 min earlier) and ${basket}`,
  );
  expect(candidates({ alerts: { firing: 0, total: 2_214 } })).toBe(
    `orders (explains 2,210 of 2,214 alerts) and ${basket}`,
  );
});

test('a candidate that explains its own alerts only is named for what else speaks for it, or not at all', () => {
  const like = { since: NOW, of: 9, explains: 3, explainsOthers: false };
  const otherRoots = [
    { ...like, service: 'orders', reasons: ['it alerted first'] },
    { ...like, service: 'basket', reasons: [] },
    { ...like, service: 'search', reasons: ['its own alerts have cleared'], clearedAt: NOW },
  ];
  const { text } = renderMessage(messageView({ otherRoots }));
  expect(text).toContain('Other candidates: orders (it alerted first)\n');
});

test('an outage of days says on which day it ended, and one of an hour does not say it twice', () => {
  const lasted = (minutes: number): string => {
    const startsAt = minutesAgo(4 * 24 * 60);
    const endedAt = startsAt + minutes * 60_000;
    return renderMessage(bareView({ phase: 'resolved', startsAt, endedAt, resolvedAt: NOW })).text;
  };
  expect(lasted(3 * 24 * 60)).toMatch(/\d+ \w{3} [\d:]+ UTC to \d+ \w{3} [\d:]+ UTC/);
  expect(lasted(60)).toMatch(/\d+ \w{3} [\d:]+ UTC to [\d:]+ UTC/);
});

test('a cause that a lesser candidate explains is not said to be linked to nothing', () => {
  const root = { ...ROOT, service: 'checkout-api', explains: 5, of: 7, explainsOthers: false };
  const lesser = { ...ROOT, service: 'payments', explains: 7, of: 7, explainsOthers: true };
  const { text } = renderMessage(messageView({ root, otherRoots: [lesser] }));
  expect(text).not.toContain('nothing is known');
  expect(text).toContain('explains 5 of 7 alerts');
});
