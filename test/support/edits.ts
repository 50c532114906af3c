/**
 * Edits of rules: kind -> what is done -> the value of that kind from then on, as YAML. A kind or a field
 * that the schema knows and that has no edit here fails a test.
 */
import { PARTS } from './night.ts';

const { services = '', teams = '' } = PARTS;

function line(of: string, needle: string): string {
  const found = of.split('\n').find((text) => text.includes(needle));
  if (found === undefined) throw new Error(`no line says ${needle}`);
  return found;
}

/** The catalog with something said of payments-db, the cause of the incident that is open. */
function database(what: string): string {
  const said = line(services, 'name: payments-db');
  return services.replace(said, said.replace('name: payments-db', `name: payments-db, ${what}`));
}

const BY_ALL = `match: ['alertname=~".+"']`;

export const EDITS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  services: {
    'one is renamed': services.replaceAll('payments-db', 'ledger-db'),
    'the cause is removed': services
      .replace(line(services, 'name: payments-db'), '')
      .replace(', dependsOn: [payments-db]', ''),
    'all are removed': '[]',
    'an alias is added': database('aliases: [paymentsdb]'),
    'another service takes its name as an alias': services
      .replace(
        line(services, 'name: payments-db'),
        '  - { name: ledger-db, aliases: [payments-db] }',
      )
      .replace('dependsOn: [payments-db]', 'dependsOn: [ledger-db]'),
    'another owner': services.replaceAll('owner: team-payments', 'owner: team-ledger'),
    'another channel': database("channel: '#database'"),
    'another tier': services.replace('payments-db, tier: 1', 'payments-db, tier: 3'),
    'another capability': database('capability: Money'),
    'another runbook': services.replace('wiki.example.com/db', 'wiki.example.com/else'),
    'a dashboard': database("dashboard: 'https://grafana.example.com/d/1', why: moved"),
    'a dependency is removed': services.replace('dependsOn: [payments-db]', 'dependsOn: []'),
    'all depends on all': services.replace(
      '{ name: newsletter,',
      '{ name: newsletter, dependsOn: [checkout, payments, payments-db, basket],',
    ),
  },
  people: {
    'are removed': '[]',
    'another name and team': '[{ name: Bob, slack: U012AB3CD, team: team-payments }]',
  },
  teams: {
    'are removed': '[]',
    'other channels': teams.replaceAll("'#", "'#new-"),
    'another oncall and lead': `[{ name: team-payments, channel: '#payments', oncall: S0OTHERTEAM, lead: U012AB3CD }]`,
  },
  hold: {
    'is removed': '[]',
    'is shorter for what is held': `[{ match: ['alertname="Slow"'], for: 1m }]`,
    'is longer for all': '[{ for: 6h }]',
    'is nothing for all': `[{ matchers: ['alertname=~".+"'], for: 0s }]`,
  },
  flap: {
    'is off': `[{ ${BY_ALL}, off: true }]`,
    'is eager': `[{ matchers: ['alertname=~".+"'], halfLife: 4h, suppress: 1000, reuse: 10, quietFor: 1h, maxSuppress: 12h, sustained: 1h }]`,
  },
  chronic: {
    'is off': `[{ ${BY_ALL}, off: true }]`,
    'is eager': `[{ matchers: ['alertname=~".+"'], firedFor: 1m }]`,
  },
  correlate: {
    'is off for all': `[{ ${BY_ALL}, off: true }]`,
    'is on for all': '[]',
    'all is one by a label': `[{ matchers: ['alertname=~".+"'], by: [severity], window: 2h, span: 12h, maxHops: 5, silent: 4 }]`,
  },
  silences: {
    'what is silenced is not any more': '[]',
    'all is silenced': `[{ name: all, ${BY_ALL}, startsAt: 2026-01-01T00:00:00Z, endsAt: 2026-04-01T00:00:00Z }]`,
    'one ends soon': `[{ matchers: ['alertname="Known"'], endsAt: 2026-03-03T10:20:00Z }]`,
  },
  maintenance: {
    'of all begins now': `[{ name: night, ${BY_ALL}, startsAt: 2026-03-03T10:00:00Z, endsAt: 2026-03-03T13:00:00Z }]`,
    'of all comes and goes': `[{ matchers: ['alertname=~".+"'], every: { times: [{ start_time: '10:20', end_time: '10:25' }] } }]`,
    'of all is named elsewhere': `[{ ${BY_ALL}, during: day }]`,
  },
  inhibit: {
    'is removed': '[]',
    'what is told is inhibited': `[{ name: all, source_matchers: ['alertname="Watchdog|Down"'], target_matchers: ['alertname=~".+"'] }]`,
    'by another label': `[{ sourceMatchers: ['alertname="Boom"'], targetMatchers: ['alertname=~"Boom|Echo"'], equal: [severity] }]`,
    'everything by everything': `[{ sourceMatchers: ['severity="critical"'], targetMatchers: ['alertname=~".+"'] }, { sourceMatchers: ['severity!="critical"'], targetMatchers: ['alertname=~".+"'] }]`,
  },
  timeIntervals: {
    'are others': `
  - { name: day, times: [{ start_time: '00:00', end_time: '24:00' }], weekdays: [tuesday], days_of_month: ['3'], months: [march], years: ['2026'], location: Europe/London }
  - { name: night, daysOfMonth: ['31'], months: [march] }
  - { name: both, intervals: [{ weekdays: [tuesday] }, { weekdays: [friday] }] }
  - { name: either, time_intervals: [{ weekdays: [monday] }, { weekdays: [tuesday] }] }`,
  },
  heartbeats: {
    'one is expected': `[{ name: beat, match: ['alertname="Beat"'], missingAfter: 6h, expected: true, channel: '#beats' }]`,
    'Watchdog has another name': `[{ name: dog, matchers: ['alertname="Watchdog"'], missingAfter: 30m }]`,
  },
  name: { 'stands elsewhere': '{ from: labels.severity }' },
  service: {
    'stands elsewhere': '[labels.alertname]',
    'has other words': '{ from: labels.service, map: { payments-db: stranger } }',
  },
  environment: {
    'stands elsewhere': '[labels.severity]',
    'has other words': '{ from: labels.env, map: { production: staging } }',
  },
  severity: {
    'has other words': '{ from: labels.severity, map: { critical: info, warning: critical } }',
  },
  host: { 'stands elsewhere': '[labels.severity]' },
  transaction: {
    'is not known': '[labels.other]',
    'stands in the text': `[labels.tid, { text: '(?P<id>[0-9]{3,})' }]`,
    'is a label that all share': '[labels.severity]',
  },
  runbook: { 'stands elsewhere': '[annotations.handbook]' },
  dashboard: { 'stands elsewhere': '[annotations.board]' },
  replica: {
    'is another label': '[prometheus_replica]',
    'is one label more': '[site, severity]',
  },
  transactions: { 'are tight': '{ ttl: 1s, alertsMax: 2, servicesMax: 1 }' },
  hubs: { 'all are hubs': '{ callers: 1 }' },
  route: {
    'is removed': '{}',
    'another channel': `{ channel: '#elsewhere', mention: here }`,
    'to the owner': `{ channel: owner, escalate: { after: 1m, mention: oncall } }`,
    'all is dropped': `{ channel: '#alerts', routes: [{ ${BY_ALL}, urgency: drop }] }`,
    'all is for the digest': `{ channel: '#alerts', routes: [{ ${BY_ALL}, urgency: digest }] }`,
    'all is for the thread': `{ channel: '#alerts', routes: [{ matchers: ['alertname=~".+"'], urgency: thread, continue: true }] }`,
    'what is in the digest is posted': `{ channel: '#alerts', routes: [{ match: ['environment="staging"'], channel: '#dev', urgency: post }] }`,
    'the digest stands elsewhere': `{ channel: '#alerts', routes: [{ match: ['environment="staging"'], channel: '#staging', urgency: digest }] }`,
    'by the hour': `{ channel: '#alerts', routes: [{ ${BY_ALL}, channel: '#night', activeTimeIntervals: [night], muteTimeIntervals: [day] }, { ${BY_ALL}, channel: '#day', active_time_intervals: [day], mute_time_intervals: [night] }] }`,
  },
  incident: {
    'all is short':
      '{ reopenWithin: 1s, verifySolved: 1s, snooze: 1m, refresh: 1s, replyEvery: 1s, resolveTimeout: 30m }',
    'all is long':
      '{ reopenWithin: 24h, verifySolved: 2h, snooze: 12h, refresh: 1m, replyEvery: 2h, resolveTimeout: never }',
  },
  storm: {
    'is off': '{ off: true }',
    'is sooner': '{ perMinute: 1 }',
    'is later, and calm sooner': '{ perMinute: 1000, calm: 1s }',
  },
  digest: {
    'at another time': `{ at: ['10:40', '22:00'], location: Asia/Tokyo }`,
    'at once again': `{ at: ['10:20'] }`,
  },
  reactions: {
    'mean something else':
      '{ acknowledge: tada, solved: eyes, snooze: zzz, not-actionable: no_bell }',
  },
  links: {
    'stand elsewhere': `{ logs: 'https://logs.example.com/{transaction}', dashboard: 'https://d.example.com/{service}', silence: 'https://s.example.com/{alertname}' }`,
  },
  ingest: {
    'another label': `
  shopwatch:
    labels: { alertname: what.alertname, service: what.service, env: what.env, severity: what.severity, team: =shop }
    annotations: { summary: summary }
    startsAt: since
    endsAt: until
    generatorURL: link
    status: { from: state, resolved: [resolved] }`,
    'one more mapping': `${PARTS['ingest']}
  other: { alerts: 'events[]', labels: { alertname: name } }`,
  },
};
