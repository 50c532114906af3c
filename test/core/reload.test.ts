/**
 * Edits of each kind of rule while incidents are open, held, acknowledged, snoozed, in a storm and in a
 * digest: none is told again, forgotten or moved, and all end in place.
 */
import { expect, test } from 'vitest';
import { LISTS, NAMED, SINGLES } from '../../src/rules/compile/schema.ts';
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Effect, Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { createState } from '../../src/state/state.ts';
import { EDITS } from '../support/edits.ts';
import { type Night, PARTS, RULES, startNight, yamlOf } from '../support/night.ts';
import { alertEvent, HOUR, rulesOf, SHOP, START } from '../support/story.ts';

const SCHEMAS = { ...LISTS, ...SINGLES, ...NAMED };

/** Fields of an entry of that kind; none for what is no object. */
function fieldsOf(kind: keyof typeof SCHEMAS): readonly string[] {
  const schema = SCHEMAS[kind];
  return 'shape' in schema ? Object.keys(schema.shape).filter((field) => field !== 'why') : [];
}

test('there is an edit of each kind of rule that the schema knows, and of each of its fields', () => {
  const missing = Object.keys(SCHEMAS).flatMap((name) => {
    // Object.keys knows nothing of the keys' type.
    const kind = name as keyof typeof SCHEMAS;
    const edits = Object.values(EDITS[kind] ?? {});
    if (edits.length === 0) return [kind];
    const text = edits.join('\n');
    return fieldsOf(kind)
      .filter((field) => !new RegExp(`\\b${field}:`).test(text))
      .map((field) => `${kind}.${field}`);
  });
  expect(missing).toEqual([]);
});

interface Scene {
  readonly night: Night;
  /** What people were told of, by the part it plays. */
  readonly told: Readonly<Record<string, string>>;
  readonly held: string;
  readonly before: Readonly<Record<string, unknown>>;
}

/** 10:00 to 10:14: all there is, under the rules in force. */
function play(): Scene {
  const night = startNight(RULES);
  night.fire('payments-db', 'Down', { tid: 'tid_1' });
  night.fire('payments', 'Errors', { tid: 'tid_1', site: 'a' });
  night.fire('crm', 'Stale', { env: 'staging', severity: 'warning' });
  night.fire('watch', 'Watchdog');
  night.wait(2);
  night.fire('stranger', 'ShopDown', { site: 'b' });
  night.fire('loner', 'ShopDown', { env: 'eu' });
  night.fire('mapped', 'ShopDown', { env: 'us' }, 'shopwatch');
  night.wait(10);
  night.react('eyes', night.incidentOf('stranger', 'ShopDown').id);
  night.react('no_bell', night.incidentOf('loner', 'ShopDown').id);
  night.fire('newsletter', 'Slow');
  night.fire('basket', 'Known');
  night.fire('basket', 'Echo', { severity: 'warning' });
  for (let i = 0; i < 12; i++) night.fire(`service-${i}`, 'Boom');
  night.wait(2);
  const told = {
    open: night.incidentOf('payments-db', 'Down').id,
    acknowledged: night.incidentOf('stranger', 'ShopDown').id,
    snoozed: night.incidentOf('loner', 'ShopDown').id,
    mapped: night.incidentOf('mapped', 'ShopDown').id,
    storm: night.state.storm?.incident ?? '',
    stormed: night.incidentOf('service-11', 'Boom').id,
    digest: night.incidentOf('crm', 'Stale').id,
  };
  return {
    night,
    told,
    held: night.incidentOf('newsletter', 'Slow').id,
    before: lookAt(night, told),
  };
}

/** What must not change: where each stands, who is on it, and in which of its phases it is. */
function lookAt({ state }: Night, told: Scene['told']): Readonly<Record<string, unknown>> {
  const look = Object.entries(told).map(([part, id]) => {
    const incident = state.incidents.get(id);
    const { phase, toldIn, message, acknowledged, snoozed, mergedInto } = incident ?? {};
    return [part, { phase, toldIn, message, acknowledged, snoozed, mergedInto }];
  });
  const digests = state.digests.get('#dev')?.message;
  return { ...Object.fromEntries(look), digests };
}

test('the night has everything in it', () => {
  const { night, told, held } = play();
  const phases = Object.fromEntries(
    Object.entries(told).map(([part, id]) => {
      const incident = night.state.incidents.get(id);
      return [part, `${incident?.phase} in ${incident?.toldIn}`];
    }),
  );
  expect(phases).toEqual({
    open: 'open in message',
    acknowledged: 'acknowledged in message',
    snoozed: 'open in message',
    mapped: 'open in message',
    storm: 'open in message',
    stormed: 'open in storm',
    digest: 'open in digest',
  });
  expect(night.state.incidents.get(told['snoozed'] ?? '')?.snoozed).toBeDefined();
  expect(night.state.incidents.get(held)?.phase).toBe('gathering');
  expect([...night.state.digests.values()].map(({ message }) => message?.channel)).toEqual([
    '#dev',
  ]);
  const muted = [...night.state.alerts.values()].flatMap(({ muted: by }) => by ?? []);
  expect(muted.map(({ by }) => by)).toEqual(['silence', 'Down of payments-db']);
  expect(night.state.heartbeats.size).toBe(1);
});

for (const [kind, edits] of Object.entries(EDITS)) {
  for (const [edit, value] of Object.entries(edits)) {
    test(`${kind}: ${edit}`, () => {
      survives(yamlOf({ ...PARTS, [kind]: value }));
    });
  }
}

test('all rules are removed but what makes alerts of JSON', () => {
  survives(yamlOf({ ingest: PARTS['ingest'] ?? '' }));
});

test('all edits, one after the other', () => {
  const scene = play();
  for (const [kind, edits] of Object.entries(EDITS)) {
    for (const value of Object.values(edits)) scene.night.edit(yamlOf({ ...PARTS, [kind]: value }));
  }
  goOn(scene);
});

function saysOf(effect: Effect, service: string): boolean {
  return (
    effect.kind === 'reply' &&
    effect.reply.kind === 'service-joined' &&
    effect.reply.services.every((name) => name === service)
  );
}

function survives(yaml: string): void {
  const reloaded = play();
  reloaded.night.edit(yaml);
  goOn(reloaded);
  const restarted = play();
  restarted.night.restart(yaml);
  goOn(restarted);
}

/** 45 minutes in which all goes on and the sources repeat it; then all is over. */
function goOn({ night, told, held, before }: Scene): void {
  const old = night.sent.length;
  for (let minutes = 0; minutes < 45; minutes += 5) {
    night.repeat();
    night.wait(5);
  }
  expect(lookAt(night, told)).toEqual(before);
  const since = night.sent.slice(old);
  const known = new Set([...Object.values(told), 'digest:#dev']);
  // What was held is due by now: by itself, or where the rules say so by now in a message that stands.
  const loud = since.filter(
    ({ action, of, effect }) =>
      action !== 'update' && known.has(of) && !saysOf(effect, 'newsletter'),
  );
  expect(loud).toEqual([]);
  expect(since.filter(({ action, of }) => action === 'post' && of === held).length).toBeLessThan(2);
  expect(becameOf(night)).not.toBe('unknown');
  night.resolveAll();
  night.wait(10);
  for (const [part, id] of Object.entries(told)) {
    const incident = night.state.incidents.get(id);
    // What is over for longer than reopenWithin is in the history.
    expect(`${part} ${incident?.phase ?? 'resolved'}`).toBe(`${part} resolved`);
    if (incident !== undefined) expect(incident.message).toEqual(Object(before[part]).message);
  }
}

/** What was held is told by now, in its own message or another, or the rules say why not. */
function becameOf({ state }: Night): string {
  const alert = [...state.alerts.values()].find(({ labels }) => labels['alertname'] === 'Slow');
  if (alert?.muted !== undefined) return 'silenced';
  return state.incidents.get(alert?.incident ?? '')?.toldIn ?? 'unknown';
}

test('what was told quietly is not routed by other rules when it was to time out, but was mentioned again', () => {
  const rulesWith = (urgency: string): Rules =>
    rulesOf(
      `${SHOP}incident: { resolveTimeout: 4h }\nroute: { channel: '#alerts', urgency: ${urgency} }\n`,
    );
  const state = createState('default');
  const reasons: string[] = [];
  let rules = rulesWith('thread');
  let now = START;
  const step = (event: Event, at: number): void => {
    reasons.push(...decide(state, event, at, rules).decisions.map(({ reason }) => reason));
  };
  const wait = (ms: number): void => {
    now = runDueUntil(state, now + ms, now, 100, step).now;
  };
  const mention = (): void => step(alertEvent({ alertname: 'Slow', service: 'odd' }), now);
  mention();
  wait(3 * HOUR);
  expect(reasons).toContain('digested');
  mention();
  rules = rulesWith('post');
  step({ kind: 'rules-changed' }, now);
  wait(2 * HOUR);
  expect(reasons).not.toContain('told');
  expect([...state.alerts.values()]).toMatchObject([{ status: 'firing' }]);
});
