/** What must not be lost, kept for ever, or tried for ever. */
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import { openLane } from '../../src/lane/lane.ts';
import { describeDecision } from '../../src/explain/words.ts';
import type { DeliveryOutcome, Effect, Event, Outcome } from '../../src/model.ts';
import { renderMessage } from '../../src/slack/message.ts';
import { createState } from '../../src/state/state.ts';
import { buildView } from '../../src/view.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

const DIGESTED = `${SHOP}
route:
  channel: '#everything'
  routes:
    - { match: ['severity="info"'], channel: '#nobody', urgency: digest }
`;

function firing(service: string, alertname: string, more: Record<string, string> = {}): Event {
  const labels = { alertname, service, env: 'production', severity: 'info', ...more };
  return alertEvent(labels);
}

function resolvedOf(event: Event, endsAt: number): Event {
  if (event.kind !== 'alert') return event;
  return { ...event, alert: { ...event.alert, status: 'resolved', endsAt } };
}

function ticked(state: ReturnType<typeof createState>, at: number): Outcome {
  return decide(state, { kind: 'tick' }, at, rulesOf(DIGESTED));
}

test('a digest that its channel refuses goes to the default channel, with all that it said', () => {
  const state = createState('default');
  const rules = rulesOf(DIGESTED);
  decide(state, firing('newsletter', 'CertExpiresSoon'), START, rules);
  for (let at = START; at < START + HOUR; at += MINUTE) ticked(state, at);
  const ordered = ticked(state, START + 25 * HOUR).effects;
  expect(ordered).toMatchObject([{ kind: 'digest', channel: '#nobody' }]);
  const refused: Event = {
    kind: 'delivered',
    effect: 'digest:#nobody',
    outcome: { kind: 'refused', error: 'channel_not_found' },
  };
  const again = decide(state, refused, START + 25 * HOUR + 1, rules);
  expect(again.effects).toMatchObject([
    {
      kind: 'digest',
      id: 'digest:#everything',
      channel: '#everything',
      lines: [{ service: 'newsletter', name: 'CertExpiresSoon', incidents: 1, firing: true }],
    },
  ]);
  expect(again.effectsDone).toEqual(['digest:#nobody']);
  expect([...state.digests.keys()]).toEqual(['#everything']);
  // Where everything goes, there is nowhere else to go: it is noted, and not tried for ever.
  const nowhere: Event = { ...refused, effect: 'digest:#everything' };
  expect(decide(state, nowhere, START + 25 * HOUR + 2, rules)).toMatchObject({
    effects: [],
    decisions: [{ reason: 'undeliverable' }],
  });
});

test('in another lane the digest of a channel is another message', () => {
  const idIn = (lane: string): readonly string[] => {
    const state = createState(lane);
    const rules = rulesOf(DIGESTED);
    const effects: Effect[] = [];
    const step = (event: Event, at: number) =>
      void effects.push(...decide(state, event, at, rules).effects);
    step(
      alertEvent({ alertname: 'CertExpiresSoon', service: 'newsletter', severity: 'info' }),
      START,
    );
    runDueUntil(state, START + 25 * HOUR, START, 10_000, step);
    return effects.map(({ id }) => id);
  };
  expect(idIn('default')).toEqual(['digest:#nobody']);
  expect(idIn('europe')).toEqual(['digest:#nobody:europe']);
});

const ALL_DIGESTED = `${SHOP}
route:
  channel: '#alerts'
  urgency: digest
  routes:
    - { match: ['service="basket"'], channel: '#one', urgency: digest }
    - { match: ['service="newsletter"'], channel: '#two', urgency: digest }
`;

/** What Slack answers to digests, and what is ordered then. */
function digestsOf(state: ReturnType<typeof createState>) {
  const rules = rulesOf(ALL_DIGESTED);
  const step = (event: Event, at: number) => decide(state, event, at, rules).effects;
  return {
    step,
    wait(from: number, until: number): readonly Effect[] {
      const effects: Effect[] = [];
      runDueUntil(state, until, from, 10_000, (event, at) => effects.push(...step(event, at)));
      return effects;
    },
    sent: (channel: string, at: number, orderedAt = at) =>
      step(
        {
          kind: 'delivered',
          effect: `digest:${channel}`,
          orderedAt,
          outcome: { kind: 'sent', message: { channel, ts: '1.1' }, revision: 0 },
        },
        at,
      ),
    /** What leaves the outbox when Slack has it. */
    done: (channel: string, at: number, orderedAt: number | undefined) => {
      const outcome = { kind: 'gone' } as const;
      const effect = `digest:${channel}`;
      const ordered = orderedAt === undefined ? {} : { orderedAt };
      const event: Event = { kind: 'delivered', effect, ...ordered, outcome };
      return decide(state, event, at, rules).effectsDone;
    },
    refused: (channel: string, at: number) =>
      step(
        {
          kind: 'delivered',
          effect: `digest:${channel}`,
          outcome: { kind: 'refused', error: 'is_archived' },
        },
        at,
      ),
  };
}

test('digests that two channels refuse at once become one message of the default channel', () => {
  const slack = digestsOf(createState('default'));
  slack.step(firing('basket', 'DiskHalfFull'), START);
  slack.step(firing('newsletter', 'CertExpiresSoon'), START);
  const ordered = slack.wait(START, START + 25 * HOUR);
  expect(ordered.map(({ channel }) => channel).sort()).toEqual(['#one', '#two']);
  const at = START + 25 * HOUR;
  expect(slack.refused('#one', at)).toMatchObject([{ channel: '#alerts', message: undefined }]);
  expect(slack.refused('#two', at + 1)).toEqual([]);
  const message = { channel: '#alerts', ts: '1.1' };
  expect(slack.sent('#alerts', at + 2)).toMatchObject([
    { channel: '#alerts', message, lines: [{ service: 'basket' }, { service: 'newsletter' }] },
  ]);
});

test('a digest that Slack took no sooner than the next one was due is not lost in that', () => {
  const slack = digestsOf(createState('default'));
  slack.step(firing('basket-db', 'DiskHalfFull'), START);
  slack.step(firing('payments', 'CertExpiresSoon'), START);
  slack.wait(START, START + HOUR);
  slack.step(resolvedOf(firing('payments', 'CertExpiresSoon'), START + HOUR), START + HOUR);
  const [first, ...more] = slack.wait(START + HOUR, START + 25 * HOUR);
  expect([first?.kind, more]).toEqual(['digest', []]);
  expect(slack.wait(START + 25 * HOUR, START + 49 * HOUR)).toEqual([]);
  const [next, ...others] = slack.sent('#alerts', START + 50 * HOUR, first?.at);
  expect(others).toEqual([]);
  expect(next).toMatchObject({
    message: { channel: '#alerts', ts: '1.1' },
    lines: [
      { service: 'basket-db', incidents: 1, firing: true },
      { service: 'payments', incidents: 1, firing: false },
    ],
  });
  // Said again, because the first time may not have been kept: the row of the next one stays.
  expect(slack.done('#alerts', START + 50 * HOUR, first?.at)).toEqual([]);
  expect(slack.done('#alerts', START + 50 * HOUR, next?.at)).toEqual(['digest:#alerts']);
});

test('a message that its channel refuses goes to the default channel, and what happened is told', () => {
  const state = createState('default');
  const rules = rulesOf(`${SHOP}
route: { channel: '#everything', routes: [{ match: ['service="basket"'], channel: '#nope' }] }
`);
  const opened = decide(state, firing('basket', 'Down', { severity: 'critical' }), START, rules);
  const waited = decide(state, { kind: 'tick' }, START + HOUR, rules);
  const [effect] = [...opened.effects, ...waited.effects];
  const answer = (outcome: DeliveryOutcome, at: number) =>
    decide(state, { kind: 'delivered', effect: effect?.id ?? '', outcome }, at, rules);
  const refusal = { kind: 'refused', error: 'channel_not_found', channel: '#nope' } as const;
  const refused = answer(refusal, START + HOUR);
  expect(refused.effects).toMatchObject([{ kind: 'message', channel: '#everything' }]);
  // Told again, because nobody knew that the first time was kept.
  const again = answer(refusal, START + HOUR);
  expect(again).toMatchObject({ effects: refused.effects, decisions: [] });
  const [incident = expect.fail()] = [...state.incidents.values()];
  const { text } = renderMessage(buildView(state, incident, rules, START + HOUR, undefined));
  expect(text).toContain('⚠️ Meant for #nope: there is no such channel, or it is private and I am');
  const message = { channel: 'C1', ts: '1.2' };
  const after = 'after 2 tries in 30 s (rate limited)';
  const sent = answer({ kind: 'sent', message, revision: 1, after }, START + HOUR);
  const told = [...refused.decisions, ...sent.decisions].map((decision) =>
    describeDecision(decision, () => undefined),
  );
  expect(told).toEqual([
    'Slack refused it for #nope: channel_not_found; it goes to #everything instead',
    'posted: Slack has the message, in #everything, after 2 tries in 30 s (rate limited)',
  ]);
});

test('a message whose channel was archived goes on in the default channel', () => {
  const state = createState('default');
  const rules = rulesOf(`${SHOP}
route: { channel: '#alerts', routes: [{ match: ['service="basket"'], channel: '#old' }] }
`);
  const opened = decide(state, firing('basket', 'Down', { severity: 'critical' }), START, rules);
  const [posted] = [
    ...opened.effects,
    ...decide(state, { kind: 'tick' }, START + HOUR, rules).effects,
  ];
  const answer = (outcome: DeliveryOutcome) =>
    decide(
      state,
      { kind: 'delivered', effect: posted?.id ?? '', outcome },
      START + 2 * HOUR,
      rules,
    );
  answer({ kind: 'sent', message: { channel: 'C1', ts: '1.2' }, revision: 1 });
  const gone = answer({ kind: 'gone', error: 'is_inactive' });
  expect(gone.effects).toMatchObject([{ kind: 'message', channel: '#old' }]);
  const because = 'its channel was archived';
  expect(gone.decisions).toMatchObject([{ reason: 'reposted', because }]);
  const refused = answer({ kind: 'refused', error: 'is_archived', channel: '#old' });
  expect(refused.effects).toMatchObject([{ kind: 'message', channel: '#alerts' }]);
});

test('what became part of another is remembered until Slack has said what it has of it', () => {
  const state = createState('default');
  const rules = rulesOf(`
services:
  - { name: shop, tier: 1, dependsOn: [stock] }
  - { name: till, tier: 1, dependsOn: [bank] }
  - { name: stock }
  - { name: bank }
`);
  const carrying = (transaction_id: string) => ({ severity: 'critical', transaction_id });
  decide(state, firing('shop', 'Down', carrying('tid_9f3ac1')), START, rules);
  decide(state, firing('till', 'Down', carrying('tid_9f3ac2')), START + 1, rules);
  const [, id = ''] = state.incidents.keys();
  decide(state, firing('stock', 'Down', carrying('tid_9f3ac1 tid_9f3ac2')), START + 2, rules);
  const part = () => state.incidents.get(id);
  expect(part()).toMatchObject({ toldIn: 'message', mergedInto: expect.anything() });
  const wait = (until: number): void =>
    void runDueUntil(state, until, START, 10_000, (event, at) => decide(state, event, at, rules));
  wait(START + 3 * HOUR);
  expect(part()).toBeDefined();
  const gone: Event = { kind: 'delivered', effect: `message:${id}`, outcome: { kind: 'gone' } };
  expect(decide(state, gone, START + 3 * HOUR, rules)).toMatchObject({
    effects: [],
    effectsDone: [gone.effect],
  });
  wait(START + 25 * HOUR);
  expect(part()).toBeUndefined();
});

test('what went to the page for want of a Slack token is not said to be in Slack', () => {
  const state = createState('default');
  const rules = rulesOf(SHOP);
  decide(state, firing('payments', 'Down', { severity: 'critical' }), START, rules);
  const [id = ''] = state.incidents.keys();
  const message = { channel: '#alerts', ts: '1.2' };
  const outcome = { kind: 'sent', message, revision: 1, preview: true } as const;
  const shown = { kind: 'delivered', effect: `message:${id}`, outcome } as const;
  const { decisions } = decide(state, shown, START + HOUR, rules);
  expect(decisions.map((decision) => describeDecision(decision, () => undefined))).toEqual([
    'shown on the page: without a Slack token nothing is posted in #alerts',
  ]);
});

test('an update that Slack refuses while a newer one waits: the newer one is still sent', () => {
  const state = createState('default');
  const rules = rulesOf(SHOP);
  decide(state, firing('payments', 'Down', { severity: 'critical' }), START, rules);
  decide(state, { kind: 'tick' }, START + HOUR, rules);
  const [incident] = state.incidents.values();
  if (incident === undefined) throw new Error('nothing was told');
  const { id, revision } = incident;
  const effect = `message:${id}`;
  const answer = (outcome: DeliveryOutcome) =>
    decide(state, { kind: 'delivered', effect, outcome }, START + HOUR, rules);
  answer({ kind: 'sent', message: { channel: 'C1', ts: '1.2' }, revision });
  const seen = { kind: 'reaction', added: true, emoji: 'eyes', user: 'U1' } as const;
  decide(state, { ...seen, on: { incident: id }, orderedAt: START + HOUR }, START + HOUR, rules);
  const refused = answer({ kind: 'refused', error: 'msg_too_long', revision });
  expect(refused.effects).toMatchObject([{ id: effect }]);
  const newest = answer({ kind: 'refused', error: 'msg_too_long', revision: revision + 1 });
  expect(newest).toMatchObject({ effects: [], effectsDone: [effect] });
});

test('a critical message that no channel takes is tried again until one does', () => {
  const state = createState('default');
  const rules = rulesOf(SHOP);
  const opened = decide(state, firing('payments', 'Down', { severity: 'critical' }), START, rules);
  const [effect] = opened.effects;
  const answer = (outcome: DeliveryOutcome, at: number) =>
    decide(state, { kind: 'delivered', effect: effect?.id ?? '', outcome }, at, rules);
  const channel = effect?.kind === 'message' ? effect.channel : '';
  for (let at = START + 1; at < START + HOUR; at += 5 * MINUTE) {
    const refused = answer({ kind: 'refused', error: 'not_in_channel', channel }, at);
    expect(refused.decisions[0]?.because).toContain('so it is tried again');
    expect(refused.effects).toEqual([]);
    expect(decide(state, { kind: 'tick' }, at + 4 * MINUTE, rules).effects).toEqual([]);
    const again = decide(state, { kind: 'tick' }, at + 5 * MINUTE, rules);
    expect(again.effects).toMatchObject([{ id: effect?.id }]);
  }
});

test('what is due and fails is set aside, logged and counted; the rest goes on; other rules try it again', async () => {
  const rules = rulesOf(SHOP);
  const poisoned = {
    ...rules,
    route: (...asked: Parameters<typeof rules.route>) => {
      if (asked[0].facts.service === 'basket') throw new Error('no road leads there');
      return rules.route(...asked);
    },
  };
  let now = START;
  let wakeUp: (() => void) | undefined;
  const failures: unknown[] = [];
  const reasons: string[] = [];
  const sent: string[] = [];
  const lane = await openLane({
    name: 'default',
    store: createMemoryStore(),
    rules: poisoned,
    clock: {
      now: () => now,
      wakeAt: (_, callback) => {
        wakeUp = callback;
        return () => undefined;
      },
    },
    observer: {
      decided: (_, decisions) => reasons.push(...decisions.map(({ reason }) => reason)),
      committed: () => undefined,
      failed: (error) => failures.push(error),
    },
  });
  lane.attach({
    enqueue: (effects) => sent.push(...effects.map(({ id }) => id)),
    restore: () => undefined,
    abandon: async () => undefined,
  });
  await lane.submit(now, [firing('basket', 'Slow', { severity: 'warning' })]);
  await lane.submit(now, [firing('stranger', 'Stuck', { severity: 'warning' })]);
  await lane.settled();
  const pass = async (ms: number) => {
    now += ms;
    wakeUp?.();
    await lane.settled();
  };
  await pass(HOUR);
  await pass(MINUTE);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({ cause: { message: 'no road leads there' } });
  expect(reasons.filter((reason) => reason === 'quarantined')).toHaveLength(1);
  expect(sent).toHaveLength(1);
  expect(lane.ready).toBe(true);
  lane.useRules(rules);
  await pass(MINUTE);
  expect(sent).toHaveLength(2);
  expect(failures).toHaveLength(1);
  await lane.stop();
});

test('what is told between the start and Slack being there is said as soon as it is there', async () => {
  const store = createMemoryStore();
  let now = START;
  const open = () =>
    openLane({
      name: 'default',
      store,
      rules: rulesOf(SHOP),
      // Each look at the clock takes a moment.
      clock: { now: () => now++, wakeAt: () => () => undefined },
      observer: {
        decided: () => undefined,
        committed: () => undefined,
        failed: (error) => {
          throw error;
        },
      },
    });
  const before = await open();
  await before.submit(now, [firing('basket', 'Slow', { severity: 'warning' })]);
  await before.stop();
  now += HOUR;
  const lane = await open();
  await lane.settled();
  expect([...lane.state.incidents.values()].map(({ phase }) => phase)).toEqual(['open']);
  const sent: string[] = [];
  const take = (effects: readonly Effect[]) => void sent.push(...effects.map(({ id }) => id));
  lane.attach({ enqueue: take, restore: take, abandon: async () => undefined });
  expect(sent).toEqual([...lane.state.open].map((id) => `message:${id}`));
  await lane.stop();
});

test('a firing alert that a new rule calls a heartbeat beats from then on', () => {
  const state = createState('default');
  const before = rulesOf(SHOP);
  const pulse = firing('', 'Pulse', { service: '', severity: 'none' });
  decide(state, pulse, START, before);
  const after = rulesOf(`${SHOP}
heartbeats: [{ name: pulse, match: ['alertname="Pulse"'], missingAfter: 15m }]
`);
  decide(state, { kind: 'rules-changed' }, START + MINUTE, after);
  expect(state.heartbeats.get('pulse')).toMatchObject({ missingAt: START + 16 * MINUTE });
  expect(decide(state, pulse, START + 10 * MINUTE, after).verdict).toBe('heartbeat');
  expect(state.heartbeats.get('pulse')).toMatchObject({ missingAt: START + 25 * MINUTE });
  const missed = decide(state, { kind: 'tick' }, START + 26 * MINUTE, after);
  expect(missed.decisions.map(({ reason }) => reason)).toContain('source-lost');
});

test('an alert that was set aside says in which delivery it came', () => {
  const odd = {
    kind: 'odd',
    delivery: 'd7',
    source: 'generic',
    error: 'no labels',
    excerpt: '{}',
  } as const;
  const { decisions } = decide(createState('default'), odd, START, rulesOf(DIGESTED));
  expect(decisions).toMatchObject([{ reason: 'quarantined', delivery: 'd7' }]);
});

test('a transaction id that comes again and again links nothing in the end, however rare it is', () => {
  const story = `${SHOP}\ntransactions: { ttl: 10m, alertsMax: 2 }`;
  const state = createState('default');
  const rules = rulesOf(story);
  const carry = (service: string, alertname: string, at: number) =>
    decide(
      state,
      firing(service, alertname, { severity: 'warning', transaction_id: 'tid_9f3ac1' }),
      at,
      rules,
    );
  const verdicts = ['payments', 'newsletter', 'basket-db', 'payments-db'].map((service, index) =>
    carry(service, 'Down', START + (index < 2 ? 0 : HOUR)),
  );
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['opened', 'joined', 'opened', 'opened']);
});

test('a thousand outbreaks later nothing is kept of them', () => {
  const state = createState('default');
  const rules = rulesOf(SHOP);
  const message = { channel: 'C1', ts: '' };
  for (let round = 0; round < 200; round++) {
    const at = START + round * 48 * HOUR;
    const labels = { severity: 'critical', transaction_id: 'tid_9f3ac1' };
    decide(state, firing('payments-db', 'Down', labels), at, rules);
    const [id = ''] = state.open;
    for (let revision = 1; revision <= 3; revision++) {
      const outcome = { kind: 'sent', message: { ...message, ts: `${at}.${revision}` }, revision };
      decide(
        state,
        { kind: 'delivered', effect: `message:${id}`, outcome } as Event,
        at + revision,
        rules,
      );
    }
    const resolved = firing('payments-db', 'Down', labels);
    if (resolved.kind !== 'alert') throw new Error('it is an alert');
    const alert = { ...resolved.alert, status: 'resolved', endsAt: at + MINUTE } as const;
    decide(state, { ...resolved, alert }, at + MINUTE, rules);
    for (let hour = 1; hour < 40; hour++) decide(state, { kind: 'tick' }, at + hour * HOUR, rules);
  }
  expect(state.incidents.size).toBe(0);
  expect(state.byMessage.size).toBe(0);
  expect(state.byTransaction.uses.size).toBeLessThanOrEqual(1);
  const linked = [...state.byTransaction.uses.values()].map(({ incidents }) => incidents.size);
  expect(Math.max(0, ...linked)).toBeLessThanOrEqual(1);
});
