/**
 * A night with everything in it that rules could disturb: incidents that were told, acknowledged,
 * snoozed, held, flapping, silenced, a storm and a digest. Slack takes each message at once. The rules
 * can be edited at any time, and the sources say again what fires, as they do.
 */
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Decision, Effect, Event, Incident, Labels, MessageRef } from '../../src/model.ts';
import { parseDelivery } from '../../src/ingest/sources.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState, takeChanges } from '../../src/state/state.ts';
import { MINUTE, rulesOf, SHOP, START } from './story.ts';

/** Kind of rule -> its value, as YAML. */
export const PARTS: Readonly<Record<string, string>> = {
  services: SHOP.replace('services:', ''),
  silences: `[{ match: ['alertname="Known"'], endsAt: 2026-04-01T00:00:00Z }]`,
  inhibit: `[{ sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Echo"'], equal: [env] }]`,
  hold: `[{ match: ['alertname="Slow"'], for: 30m }, { match: ['severity="critical"', 'tier!~"1|3"'], for: 1m }]`,
  route: `
  channel: '#alerts'
  routes: [{ match: ['alertname="Known"'], channel: '#day', activeTimeIntervals: [day], muteTimeIntervals: [night] }, { match: ['environment="staging"'], channel: '#dev', urgency: digest }]`,
  correlate: `[{ match: ['alertname=~"Boom|Shop.*"'], off: true }]`,
  timeIntervals: `[{ name: day, times: [{ start_time: '08:00', end_time: '20:00' }] }, { name: night, times: [{ start_time: '20:00', end_time: '24:00' }] }]`,
  storm: '{ perMinute: 8 }',
  digest: `{ at: ['10:12'] }`,
  people: '[{ name: Ann, slack: U012AB3CD, team: team-shop }]',
  teams: `[{ name: team-payments, channel: '#payments', oncall: S012PAYTEAM }, { name: team-shop, channel: '#shop' }]`,
  ingest: `
  shopwatch:
    labels: { alertname: what.alertname, service: what.service, env: what.env, severity: what.severity }
    annotations: { summary: summary }
    startsAt: since
    status: { from: state, resolved: [resolved] }`,
  replica: '[site]',
  transaction: '[labels.tid]',
};

export function yamlOf(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts)
    .map(([kind, value]) => `${kind}: ${value}\n`)
    .join('');
}

export const RULES = yamlOf(PARTS);

/** What Slack got. */
export interface Sent {
  readonly at: number;
  readonly action: 'post' | 'update' | 'reply';
  /** Incident; `digest:#channel` for a digest. */
  readonly of: string;
  readonly message: MessageRef | undefined;
  readonly effect: Effect;
}

export interface Night {
  readonly state: LaneState;
  readonly sent: Sent[];
  readonly decisions: Decision[];
  readonly now: () => number;
  readonly fire: (service: string, name: string, more?: Labels, source?: string) => void;
  readonly react: (emoji: string, incident: string) => void;
  /** All that fires is said again, as after a repeat_interval. `summary` differs each time. */
  readonly repeat: () => void;
  readonly resolveAll: () => void;
  readonly wait: (minutes: number) => void;
  readonly edit: (yaml: string) => void;
  /** The process is stopped, the rules are edited, and it starts with what it has on disk. */
  readonly restart: (yaml: string) => void;
  /** The incident that this alert stands in. */
  readonly incidentOf: (service: string, name: string) => Incident;
}

interface Firing {
  readonly source: string;
  readonly labels: Labels;
  readonly startsAt: number;
}

export function startNight(yaml: string): Night {
  let state = createState('default');
  const sent: Sent[] = [];
  const decisions: Decision[] = [];
  const firing = new Map<string, Firing>();
  let rules: Rules = rulesOf(yaml);
  let now = START;
  let said = 0;
  const step = (event: Event, at: number): void => {
    const outcome = decide(state, event, at, rules);
    decisions.push(...outcome.decisions);
    for (const effect of outcome.effects) step(take(effect, at), at);
  };
  const take = (effect: Effect, at: number): Event => {
    const incident = effect.kind === 'digest' ? undefined : state.incidents.get(effect.incident);
    const standing = effect.kind === 'digest' ? effect.message : incident?.message;
    const isReply = effect.kind === 'reply';
    const action = isReply ? 'reply' : standing === undefined ? 'post' : 'update';
    const fresh = { channel: effect.channel, ts: `${at}.${sent.length}` };
    const message = isReply ? fresh : (standing ?? fresh);
    sent.push({ at, action, of: incident?.id ?? effect.id, message, effect });
    const outcome = { kind: 'sent', message, revision: incident?.revision ?? 0 } as const;
    return { kind: 'delivered', effect: effect.id, outcome };
  };
  const say = (one: Firing, status: 'firing' | 'resolved'): void => {
    said++;
    const body = bodyOf(one, status, `said ${said} times, most lately at ${now}`, now);
    const context = { source: one.source, delivery: `d${said}`, at: now };
    const parsed = parseDelivery(body, context, rules.mappings);
    if (parsed.kind === 'refused') throw new Error(parsed.error);
    // What is due comes first, as in the lane.
    runDueUntil(state, now, now, 100_000, step);
    for (const event of parsed.events) step(event, now);
  };
  step({ kind: 'started' }, now);
  return {
    get state() {
      return state;
    },
    sent,
    decisions,
    now: () => now,
    fire(service, name, more = {}, source = 'alertmanager') {
      const labels = { alertname: name, env: 'production', service, severity: 'critical', ...more };
      const one = { source, labels, startsAt: now };
      firing.set(JSON.stringify(labels), one);
      say(one, 'firing');
    },
    react(emoji, incident) {
      const on = { incident };
      step({ kind: 'reaction', added: true, emoji, user: 'U1', on, orderedAt: now }, now);
    },
    repeat() {
      for (const one of firing.values()) say(one, 'firing');
    },
    resolveAll() {
      for (const one of firing.values()) say(one, 'resolved');
      firing.clear();
    },
    wait(minutes) {
      now = runDueUntil(state, now + minutes * MINUTE, now, 100_000, step).now;
    },
    edit(text) {
      rules = rulesOf(text);
      step({ kind: 'rules-changed' }, now);
    },
    restart(text) {
      rules = rulesOf(text);
      const records = takeChanges(state).filter(({ value }) => value !== undefined);
      state = createState('default');
      restore(state, structuredClone(records));
      step({ kind: 'started' }, now);
    },
    incidentOf(service, name) {
      for (const alert of state.alerts.values()) {
        if (alert.labels['service'] !== service || alert.labels['alertname'] !== name) continue;
        const incident = state.incidents.get(alert.incident ?? '');
        if (incident !== undefined) return incident;
      }
      throw new Error(`${name} of ${service} stands in no incident`);
    },
  };
}

/** As Alertmanager says it; `shopwatch` says it in a way that only a mapping understands. */
function bodyOf(one: Firing, status: string, summary: string, now: number): unknown {
  const { source, labels } = one;
  const startsAt = new Date(one.startsAt).toISOString();
  const annotations = { summary };
  if (source === 'shopwatch') return { what: labels, state: status, since: startsAt, summary };
  const endsAt = status === 'resolved' ? new Date(now).toISOString() : '0001-01-01T00:00:00Z';
  const alert = { status, labels, annotations, startsAt, endsAt };
  return { version: '4', status, groupKey: '{}', receiver: 'quell', alerts: [alert] };
}
