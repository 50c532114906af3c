/** What is kept of an alert, and what alerts share in memory. */
import { expect, test } from 'vitest';
import { createBatch } from '../../src/lane/batch.ts';
import { alertOfRecord, recordOfAlert } from '../../src/state/alert-record.ts';
import { decide } from '../../src/decide.ts';
import type { Alert } from '../../src/model.ts';
import { restore } from '../../src/state/restore.ts';
import { closeIncident, createState, takeChanges } from '../../src/state/state.ts';
import { shareTexts } from '../../src/state/texts.ts';
import { alertWith } from '../../src/state/with.ts';
import { alertEvent, MINUTE, START, tell } from '../support/story.ts';

const full: Alert = {
  fingerprint: 'a1b2c3d4e5f60718',
  source: 'prometheus',
  labels: { alertname: 'ErrorRateHigh', service: 'payments' },
  annotations: { summary: 'payments answers with errors' },
  generatorURL: 'http://prometheus.example.org/graph',
  facts: {
    name: 'ErrorRateHigh',
    service: 'payments',
    known: true,
    environment: 'production',
    severity: 'critical',
    host: 'node-7',
    transactions: ['tid_1'],
    runbook: 'https://wiki.example.org/payments',
    dashboard: 'https://grafana.example.org/d/1',
  },
  status: 'firing',
  startsAt: 1,
  endsAt: 2,
  since: 3,
  expiresAt: 4,
  resolvedAt: 5,
  episodes: 6,
  muted: { by: 'a silence', rule: 'quiet.yaml:3', why: 'patching', until: 7, inhibitor: 'f1' },
  incident: '7Q2K9XYZ',
  heldUntil: 8,
  holdRule: 'quiet.yaml:9',
  holdWhy: 'the autoscaler needs a while',
  awaitsWord: true,
  flap: { penalty: 1000, at: 9, flapping: true, since: 10 },
  more: undefined,
};

const bare: Alert = {
  ...full,
  generatorURL: undefined,
  facts: { ...full.facts, known: false, host: undefined, runbook: undefined, dashboard: undefined },
  endsAt: undefined,
  expiresAt: undefined,
  resolvedAt: undefined,
  muted: undefined,
  incident: undefined,
  holdWhy: undefined,
  awaitsWord: false,
  flap: undefined,
};

test.each([
  ['every field', full],
  ['none that may be missing', bare],
])('an alert with %s comes back from its record as it was', (_, alert) => {
  const kept: unknown = JSON.parse(JSON.stringify(recordOfAlert(alert)));
  expect(alertOfRecord(kept as readonly unknown[])).toEqual(alert);
});

test('a record that was written before a field was known has it empty', () => {
  const older = recordOfAlert({ ...full, awaitsWord: false }).slice(0, 19);
  expect(alertOfRecord(older)).toEqual({ ...full, awaitsWord: false });
});

test('a record of an alert says every field of it', () => {
  expect(recordOfAlert(full).flat()).toHaveLength(
    Object.keys(full).length - 2 + Object.keys(full.facts).length,
  );
});

test('what comes back is of one kind with all alerts: the same fields in the same order', () => {
  const back = alertOfRecord(recordOfAlert(full));
  const other = alertWith(full, {});
  expect(Object.keys(back)).toEqual(Object.keys(other));
  const story = tell();
  story.fire('payments-db', 'Down');
  const [fresh = other] = story.state.alerts.values();
  expect(Object.keys(fresh)).toEqual(Object.keys(other));
  expect(Object.keys(back.facts)).toEqual(Object.keys(fresh.facts));
});

test('sharing texts changes no text, whatever the labels are called', () => {
  const labels = '{"__proto__":"a","service":"payments","pod":"p-1"}';
  const own = { ...full, labels: JSON.parse(labels) as Alert['labels'] };
  const kin = { ...full, labels: JSON.parse('{"service":"payments","pod":"p-2"}') };
  shareTexts(own, kin);
  expect(JSON.stringify(own.labels)).toBe(labels);
  expect(own).toEqual({ ...full, labels: JSON.parse(labels) });
});

test('what a newer version knows of an alert and its incident is kept when this one changes them', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const [alert] = story.state.alerts.values();
  const [incident] = story.state.incidents.values();
  if (alert === undefined || incident === undefined) throw new Error('it fires');
  const written = [
    { key: alert.fingerprint, value: [...recordOfAlert(alert), 'seen', { by: 'a newer one' }] },
    { key: `i/${incident.id}`, value: { ...incident, moodOfTeam: 'calm', more: undefined } },
  ];
  const state = createState('default');
  restore(state, JSON.parse(JSON.stringify(written)));
  const delivery = {
    severity: 'critical',
    alertname: 'Down',
    service: 'payments-db',
    env: 'production',
  };
  const ends = alertEvent(delivery, { endsAt: START + MINUTE });
  decide(state, ends, START + MINUTE, story.rules);
  const [ended, resolved] = JSON.parse(
    JSON.stringify(takeChanges(state).map(({ value }) => value)),
  );
  expect(ended.slice(-2)).toEqual(['seen', { by: 'a newer one' }]);
  expect(ended[6]).toBe('resolved');
  expect(resolved).toMatchObject({ phase: 'resolved', moodOfTeam: 'calm' });
  expect(resolved).not.toHaveProperty('more');
  const again = alertEvent(delivery, { startsAt: START + 2 * MINUTE, status: 'firing' });
  decide(state, again, START + 2 * MINUTE, story.rules);
  const fires = takeChanges(state).find(({ key }) => key === alert.fingerprint);
  expect(JSON.parse(JSON.stringify(fires?.value)).slice(-2)).toEqual([
    'seen',
    { by: 'a newer one' },
  ]);
});

const NOBODY = { decided: () => undefined, committed: () => undefined, failed: () => undefined };

test('what a newer version knows of an incident goes to the history with it', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const [incident] = story.state.incidents.values();
  if (incident === undefined) throw new Error('it fires');
  const state = createState('default');
  const value = { ...incident, moodOfTeam: 'calm', more: undefined };
  restore(state, JSON.parse(JSON.stringify([{ key: `i/${incident.id}`, value }])));
  closeIncident(state, incident.id);
  const batch = createBatch(state, story.rules, NOBODY);
  const { closed } = JSON.parse(JSON.stringify(batch.take()));
  expect(closed).toMatchObject([{ incident: { id: incident.id, moodOfTeam: 'calm' } }]);
  expect(closed[0].incident).not.toHaveProperty('more');
});
