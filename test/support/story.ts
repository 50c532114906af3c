/**
 * A story in virtual time: alerts fire and resolve, people react, and the messages that Slack would
 * show are there to be looked at. It runs the very pipeline that runs live.
 */
import type { Decision, Event, Labels, ReceivedAlert } from '../../src/model.ts';
import { createReplay, type ReplaySummary, type SentMessage } from '../../src/replay.ts';
import { builtInRules, compileRules } from '../../src/rules/compile.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { LaneState } from '../../src/state/state.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** A Tuesday. */
export const START = Date.parse('2026-03-03T10:00:00Z');

export interface Story {
  readonly now: () => number;
  /** Fires an alert of a service. The same name and labels are the same alert. */
  readonly fire: (service: string, alertname: string, more?: Partial<Firing>) => void;
  readonly resolve: (service: string, alertname: string, more?: Partial<Firing>) => void;
  readonly react: (emoji: string, incident: string, user?: string) => void;
  readonly unreact: (emoji: string, incident: string, user?: string) => void;
  readonly wait: (ms: number) => void;
  readonly event: (event: Event) => void;
  readonly messages: readonly SentMessage[];
  readonly posts: () => readonly SentMessage[];
  readonly last: () => SentMessage | undefined;
  readonly decisions: readonly Decision[];
  readonly reasons: () => readonly string[];
  readonly end: () => ReplaySummary;
  /** As the last event left it. */
  readonly state: LaneState;
  readonly rules: Rules;
}

export interface Firing {
  readonly severity: string;
  readonly env: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** An alert as a source sends it. It fires, unless it is said when it ended. */
export function alertEvent(
  labels: Labels,
  more: Partial<ReceivedAlert> = {},
): Extract<Event, { kind: 'alert' }> {
  const alert: ReceivedAlert = {
    source: 'alertmanager',
    status: more.endsAt === undefined ? 'firing' : 'resolved',
    labels,
    annotations: {},
    startsAt: START,
    endsAt: undefined,
    generatorURL: undefined,
    ...more,
  };
  return { kind: 'alert', delivery: 'd', alert };
}

/** Rules of inline YAML; a mistake in it fails the test with the diagnostics. */
export function rulesOf(yaml: string): Rules {
  if (yaml.trim() === '') return builtInRules();
  const result = compileRules([{ name: 'rules.yaml', text: yaml }]);
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors, undefined, 2));
  return result.rules;
}

/** checkout -> payments -> payments-db, and basket beside it. */
export const SHOP = `
services:
  - { name: checkout, tier: 1, owner: team-shop, capability: Checkout, dependsOn: [payments, basket] }
  - { name: payments, tier: 1, owner: team-payments, capability: Checkout, dependsOn: [payments-db] }
  - { name: payments-db, tier: 1, owner: team-payments, runbook: 'https://wiki.example.com/db' }
  - { name: basket, tier: 2, owner: team-shop, dependsOn: [basket-db] }
  - { name: basket-db, tier: 2, owner: team-shop }
  - { name: newsletter, tier: 3, owner: team-crm }
`;

export function tell(yaml: string = SHOP): Story {
  const messages: SentMessage[] = [];
  const decisions: Decision[] = [];
  const rules = rulesOf(yaml);
  const replay = createReplay({
    rules,
    onMessage: (message) => messages.push(message),
    onDecision: (decision) => decisions.push(decision),
  });
  const started = new Map<string, number>();
  let now = START;
  let deliveries = 0;
  const play = (event: Event) => replay.play([event], now);
  const send = (
    status: 'firing' | 'resolved',
    service: string,
    alertname: string,
    more: Partial<Firing>,
  ) => {
    const labels: Labels = {
      alertname,
      service,
      env: more.env ?? 'production',
      severity: more.severity ?? 'warning',
      ...more.labels,
    };
    const key = JSON.stringify(labels);
    if (status === 'firing' && !started.has(key)) started.set(key, now);
    const alert: ReceivedAlert = {
      source: 'alertmanager',
      status,
      labels,
      annotations: more.annotations ?? {},
      startsAt: more.startsAt ?? started.get(key) ?? now,
      endsAt: more.endsAt ?? (status === 'resolved' ? now : undefined),
      generatorURL: undefined,
    };
    if (status === 'resolved') started.delete(key);
    deliveries++;
    play({ kind: 'alert', delivery: `d${deliveries}`, alert });
  };
  const reacting =
    (added: boolean) =>
    (emoji: string, incident: string, user = 'U1') =>
      play({ kind: 'reaction', added, emoji, user, on: { incident }, orderedAt: now });
  return {
    now: () => now,
    fire: (service, alertname, more = {}) => send('firing', service, alertname, more),
    resolve: (service, alertname, more = {}) => send('resolved', service, alertname, more),
    react: reacting(true),
    unreact: reacting(false),
    wait(ms) {
      now += ms;
      replay.play([], now);
    },
    event: play,
    messages,
    posts: () => messages.filter(({ action }) => action === 'post'),
    last: () => messages.at(-1),
    decisions,
    reasons: () => decisions.map(({ reason }) => reason),
    end: () => replay.finish(),
    state: replay.state,
    rules,
  };
}
