/** Every mapping that the documentation shows, run on bodies as its tool documents them. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseDelivery } from '../../src/ingest/sources.ts';
import type { Facts } from '../../src/model.ts';
import { MINUTE, tell } from '../support/story.ts';

const SAMPLES = 'test/samples/tools';
const blocks = ['docs/mappings.md', 'docs/ingest.md']
  .flatMap((page) => [...readFileSync(page, 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)])
  .map(([, yaml = '']) => yaml)
  .filter((yaml) => yaml.includes('ingest:\n'));
const RULES = `ingest:\n${blocks.map((yaml) => yaml.replace(/^(?:#.*\n)?ingest:\n/, '')).join('')}`;

/** Plays the bodies of a file, minutes apart, and gives what is known of the only alert after each. */
function played(file: string, source: string) {
  const told = tell(RULES);
  // Written by us.
  const bodies = JSON.parse(readFileSync(`${SAMPLES}/${file}.json`, 'utf8')) as unknown[];
  const seen = bodies.map((body) => {
    const context = { source, delivery: 'd', at: told.now() };
    const parsed = parseDelivery(body, context, told.rules.mappings);
    if (parsed.kind === 'refused') throw new Error(parsed.error);
    for (const event of parsed.events) told.event(event);
    told.wait(15 * MINUTE);
    const [alert, ...others] = told.state.alerts.values();
    expect(others).toEqual([]);
    return alert;
  });
  return { told, seen };
}

interface Expected extends Partial<Facts> {
  readonly file: string;
  readonly source?: string;
  readonly statuses: readonly string[];
  readonly severities?: readonly string[];
  readonly summary: string;
}

const ENDS = ['firing', 'resolved'];
const TOOLS: readonly Expected[] = [
  {
    file: 'cloudwatch',
    statuses: ENDS,
    name: 'checkout-5xx',
    service: 'checkout-5xx',
    severity: 'warning',
    summary: 'The load balancer of checkout',
  },
  {
    file: 'cloudwatch-subscription',
    source: 'cloudwatch',
    statuses: ['firing'],
    name: 'SubscriptionConfirmation',
    summary: 'You have chosen to subscribe',
  },
  {
    file: 'datadog',
    statuses: ['firing', 'firing', 'resolved'],
    name: '[Triggered on {env:prod,service:checkout}] Error rate is high',
    service: 'checkout',
    severity: 'critical',
    environment: 'production',
    summary: 'Error rate of checkout',
  },
  {
    file: 'sentry',
    statuses: ['firing', 'firing', 'resolved'],
    severities: ['warning', 'critical', 'critical'],
    name: 'Too many errors',
    service: 'checkout',
    summary: '1000 events',
  },
  {
    file: 'sentry-issue',
    source: 'sentry',
    statuses: ['firing'],
    name: 'Very Important Alert Rule!',
    service: 'checkout',
    severity: 'high',
    environment: 'production',
    summary: 'ReferenceError',
  },
  {
    file: 'azure-monitor',
    statuses: ENDS,
    name: 'High CPU of checkout',
    service: 'checkout-1',
    severity: 'critical',
    summary: 'CPU above',
  },
  {
    file: 'google-cloud',
    statuses: ENDS,
    name: 'CPU of checkout',
    service: 'checkout',
    severity: 'critical',
    summary: 'CPU usage for',
  },
  {
    file: 'new-relic',
    statuses: ['firing', 'firing', 'resolved'],
    name: 'Memory high',
    service: 'checkout',
    severity: 'critical',
    summary: 'Memory Used',
  },
  {
    file: 'pagerduty',
    statuses: ['firing', 'firing', 'resolved'],
    name: 'disk',
    service: 'checkout',
    severity: 'critical',
    host: 'checkout-1.example.com',
    summary: 'Disk of checkout-1',
  },
  {
    file: 'pingdom',
    statuses: ENDS,
    name: 'Down',
    service: 'checkout',
    severity: 'high',
    summary: 'HTTP 502',
  },
  {
    file: 'zabbix',
    statuses: ENDS,
    name: 'Free disk space is less than 20 % on /var',
    service: 'checkout',
    severity: 'high',
    host: 'checkout-1',
    summary: 'checkout: Free disk space is less',
  },
  {
    file: 'uptime-kuma',
    statuses: ENDS,
    name: 'Down',
    service: 'checkout',
    severity: 'warning',
    summary: 'connect ECONNREFUSED',
  },
];

test.each(TOOLS)('$file: the documented mapping pairs what fires with its end', (expected) => {
  const { file, source = file, statuses, severities, summary, ...facts } = expected;
  const { told, seen } = played(file, source);
  expect(seen.map((alert) => alert?.status)).toEqual(statuses);
  const last = seen.at(-1);
  expect(last?.facts).toMatchObject(facts);
  expect(last?.episodes).toBe(1);
  if (severities !== undefined) {
    expect(seen.map((alert) => alert?.facts.severity)).toEqual(severities);
  }
  expect(told.posts()).toHaveLength(1);
  expect(told.posts()[0]?.text).toContain(summary);
});

test('every mapping and every sample is played', () => {
  const named = [...RULES.matchAll(/^ {2}([\w.-]+):$/gm)].map(([, name]) => name);
  expect([...new Set(TOOLS.map(({ file, source = file }) => source))].sort()).toEqual(named.sort());
  const files = readdirSync(SAMPLES).filter((name) => name.endsWith('.json'));
  expect(TOOLS.map(({ file }) => `${file}.json`).sort()).toEqual(files.sort());
});

/** The JSON blocks of the page, by a text within. */
function payloadWith(part: string): string {
  const page = readFileSync('docs/mappings.md', 'utf8');
  const blocks = [...page.matchAll(/^```json\n(.*?)^```/gms)].map(([, json = '']) => json);
  return blocks.find((json) => json.includes(part)) ?? '';
}

test('the payload that Datadog is given has the fields of its sample', () => {
  const [sample] = JSON.parse(readFileSync(`${SAMPLES}/datadog.json`, 'utf8')) as [object];
  const payload = JSON.parse(payloadWith('$ALERT_TITLE')) as object;
  expect(Object.keys(payload).sort()).toEqual(Object.keys(sample).sort());
});

test('what healthchecks.io is told to send fires and ends one alert', () => {
  const told = tell(RULES);
  for (const status of ['down', 'up']) {
    const filled = payloadWith('$CODE')
      .replace('$NAME_JSON', '"nightly \\"report\\""')
      .replace('$STATUS', status)
      .replace('$CODE', 'f618072a');
    const context = { source: 'generic', delivery: 'd', at: told.now() };
    const parsed = parseDelivery(JSON.parse(filled), context, told.rules.mappings);
    if (parsed.kind === 'refused') throw new Error(parsed.error);
    for (const event of parsed.events) told.event(event);
    const [alert, ...others] = told.state.alerts.values();
    expect(others).toEqual([]);
    expect(alert?.status).toBe(status === 'down' ? 'firing' : 'resolved');
    told.wait(15 * MINUTE);
  }
});
