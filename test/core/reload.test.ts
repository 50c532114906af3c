/** Edits of each kind of rule while incidents are open: none is told again, forgotten or moved. */
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Event } from '../../src/model.ts';
import { createState } from '../../src/state.ts';
import { MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

const EDITS: Readonly<Record<string, string>> = {
  'a service renamed': SHOP.replaceAll('payments-db', 'ledger-db'),
  'a service removed': SHOP.replace(/.*name: newsletter.*\n/, ''),
  'an alias added': SHOP.replace('name: basket-db,', 'name: basket-db, aliases: [basketdb],'),
  'a dependency removed': SHOP.replace('dependsOn: [payments-db]', 'dependsOn: []'),
  'another tier': SHOP.replace('name: payments-db, tier: 1', 'name: payments-db, tier: 3'),
  'another owner': SHOP.replaceAll('team-payments', 'team-ledger'),
  'another channel': `${SHOP}route: { channel: '#elsewhere' }\n`,
  'a longer hold': `${SHOP}hold: [{ for: 30m }]\n`,
  'no correlation': `${SHOP}correlate: [{ match: ['severity=~".+"'], off: true }]\n`,
  'no rules at all': '',
};

function firing(service: string, severity: string): Event {
  const labels = { alertname: 'Down', service, env: 'production', severity };
  const times = { startsAt: START, endsAt: undefined, generatorURL: undefined };
  const alert = { source: 'am', status: 'firing', labels, annotations: {}, ...times } as const;
  return { kind: 'alert', delivery: 'd', alert };
}

for (const [edit, yaml] of Object.entries(EDITS)) {
  test(`${edit}: open and acknowledged incidents keep their messages`, () => {
    const state = createState('default');
    const before = rulesOf(SHOP);
    decide(state, firing('payments-db', 'critical'), START, before);
    decide(state, firing('stranger', 'critical'), START, before);
    runDueUntil(state, START + 9 * MINUTE, START, 1000, (event, now) => {
      decide(state, event, now, before);
    });
    const told = [...state.open];
    expect(told).toHaveLength(2);
    let now = START + 10 * MINUTE;
    for (const id of told) {
      const message = { channel: 'C1', ts: `1.${id}` };
      const outcome = { kind: 'sent', message, revision: 1 } as const;
      decide(state, { kind: 'delivered', effect: `message:${id}`, outcome }, now, before);
    }
    const on = { incident: told[0] ?? '' };
    const eyes = { kind: 'reaction', added: true, emoji: 'eyes', user: 'U1' } as const;
    decide(state, { ...eyes, on, orderedAt: now }, now, before);
    const messages = told.map((id) => state.incidents.get(id)?.message);
    const after = rulesOf(yaml);
    const ordered = new Set<string>();
    const step = (event: Event, at: number) => {
      for (const { id } of decide(state, event, at, after).effects) ordered.add(id);
    };
    now += MINUTE;
    step({ kind: 'rules-changed' }, now);
    step(firing('payments-db', 'critical'), now + 1);
    step(firing('stranger', 'critical'), now + 1);
    runDueUntil(state, now + 60 * MINUTE, now + 1, 1000, step);
    expect([...state.open].sort()).toEqual([...told].sort());
    expect(told.map((id) => state.incidents.get(id)?.message)).toEqual(messages);
    expect(state.incidents.get(told[0] ?? '')?.phase).toBe('acknowledged');
    const known = new Set(told.map((id) => `message:${id}`));
    expect([...ordered].filter((id) => !known.has(id))).toEqual([]);
  });
}
