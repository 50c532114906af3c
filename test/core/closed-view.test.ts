/** What is kept of an incident that goes to the history, however much it had. */
import { expect, test } from 'vitest';
import { alertsKept, servicesKept } from '../../src/state/closed-view.ts';
import { tallyOf } from '../../src/state/state.ts';
import { alertEvent, tell } from '../support/story.ts';

/** One incident with an alert of each of these services, which says so much. */
function kept(services: readonly string[], text = '') {
  const story = tell('correlate: [{ by: [team] }]');
  const labels = { alertname: 'Down', severity: 'critical', team: 'shop' };
  for (const service of services)
    story.event(alertEvent({ ...labels, service }, { annotations: { text } }));
  const [incident] = story.state.incidents.values();
  if (incident === undefined) throw new Error('they fire');
  const members = [...story.state.alerts.values()].filter((one) => one.incident === incident.id);
  expect(members).toHaveLength(services.length);
  return {
    alerts: alertsKept(incident, members).length,
    services: servicesKept(tallyOf(story.state, incident.id)).length,
    ofMerged: alertsKept({ ...incident, mergedInto: 'another' }, members).length,
  };
}

function names(count: number, length = 1): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${n}`.padEnd(length, '-'));
}

test('of little all is kept', () => {
  expect(kept(names(3))).toEqual({ alerts: 3, services: 3, ofMerged: 0 });
});

test('of many alerts, and of many services, the first are kept', () => {
  expect(kept(names(2_100))).toMatchObject({ alerts: 200, services: 2_000 });
});

test('of much that they say as much is kept as fits, and one at least', () => {
  expect(kept(names(5), 'x'.repeat(300_000))).toMatchObject({ alerts: 3, services: 5 });
  expect(kept(names(2), 'x'.repeat(2_000_000))).toMatchObject({ alerts: 1, services: 2 });
});

test('of long names as many are kept as fit', () => {
  expect(kept(names(200, 1_000))).toMatchObject({ alerts: 200, services: 131 });
});
