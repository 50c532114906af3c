/**
 * Inhibit rules, as Alertmanager has them: who is muted while what fires, what becomes of it when that
 * ends, and that the index of who inhibits whom is always what the alerts say.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import {
  createInhibitIndex,
  type InhibitIndex,
  useInhibitRules,
} from '../../src/state/inhibit-index.ts';
import { subjectOf } from '../../src/life/lead.ts';
import type { Alert, Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState, takeChanges } from '../../src/state/state.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, START, type Story, tell } from '../support/story.ts';

/** So that what comes at the same time is not one incident. */
const APART = `correlate: [{ match: ['alertname=~".+"'], off: true }]\n`;

/** A node takes its pods along; a warning is kept quiet by a critical alert of the same name. */
const NODES = `
inhibit:
  - sourceMatchers: ['alertname="NodeDown"']
    targetMatchers: ['alertname!="NodeDown"']
    equal: [node]
    why: Its pods come back with it.
  - sourceMatchers: ['severity="critical"']
    targetMatchers: ['severity=~"warning|info"']
    equal: [alertname, namespace]
hold: [{ match: ['severity="critical"'], for: 1m }, { for: 5m }]
${APART}`;
const node = (name: string) => ({ labels: { node: name } });
const down = (name: string) => ({ ...node(name), severity: 'critical' });

function alertOf({ state }: Pick<Story, 'state'>, service: string): Alert {
  const found = [...state.alerts.values()].find(({ facts }) => facts.service === service);
  if (found === undefined) throw new Error(`no alert of ${service}`);
  return found;
}

function phaseOf(story: Story, service: string): string {
  const alert = alertOf(story, service);
  if (alert.muted !== undefined) return `muted by ${alert.muted.by}`;
  return story.state.incidents.get(alert.incident ?? '')?.phase ?? 'nowhere';
}

test('a target stands in no incident while a source fires, and the record says which and by what rule', () => {
  const story = tell(NODES);
  story.fire('node-1', 'NodeDown', down('node-1'));
  story.fire('api', 'PodDown', node('node-1'));
  story.wait(20 * MINUTE);
  expect(phaseOf(story, 'api')).toBe('muted by NodeDown of node-1');
  expect(story.posts()).toHaveLength(1);
  expect(story.decisions.find(({ reason }) => reason === 'inhibited')).toMatchObject({
    service: 'api',
    because: 'NodeDown of node-1',
    rule: 'rules.yaml:3',
    why: 'Its pods come back with it.',
  });
});

test('labels of equal must agree: what is elsewhere is told', () => {
  const story = tell(NODES);
  story.fire('node-1', 'NodeDown', down('node-1'));
  story.fire('api', 'PodDown', node('node-2'));
  expect(phaseOf(story, 'api')).toBe('gathering');
});

test('a label that both lack counts as equal, and one that is empty as lacking', () => {
  const story = tell(NODES);
  story.fire('node-1', 'NodeDown', { severity: 'critical' });
  story.fire('api', 'PodDown');
  story.fire('web', 'PodDown', { labels: { node: '' } });
  expect([phaseOf(story, 'api'), phaseOf(story, 'web')]).toEqual([
    'muted by NodeDown of node-1',
    'muted by NodeDown of node-1',
  ]);
});

test('what still gathers is muted when its source begins; what was told stays told', () => {
  const story = tell(NODES);
  story.fire('told', 'PodDown', node('node-1'));
  story.wait(10 * MINUTE);
  story.fire('young', 'DiskFull', node('node-1'));
  story.fire('node-1', 'NodeDown', down('node-1'));
  expect(phaseOf(story, 'young')).toBe('muted by NodeDown of node-1');
  expect(phaseOf(story, 'told')).toBe('open');
  story.wait(HOUR);
  expect(story.posts().map(({ root }) => root)).toEqual(['told', 'node-1']);
});

test('what is muted by a new alert says nothing of when that began', () => {
  const story = tell(`
services: [{ name: api }, { name: db }]
inhibit:
  - { sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Slow"'], equal: [service] }
`);
  story.fire('api', 'Slow');
  story.wait(3 * MINUTE);
  story.fire('api', 'Down', { severity: 'critical' });
  story.wait(20 * MINUTE);
  expect(story.reasons()).toEqual(['opened', 'inhibited', 'opened', 'told', 'delivered']);
  expect(story.last()?.text).toContain('since 10:03');
});

test('when the source ends, what still fires has its hold to end as well, and is told then', () => {
  const story = tell(NODES);
  story.fire('node-1', 'NodeDown', down('node-1'));
  story.fire('echo', 'PodDown', node('node-1'));
  story.fire('broken', 'DiskFull', node('node-1'));
  story.wait(30 * MINUTE);
  story.resolve('node-1', 'NodeDown', down('node-1'));
  expect([phaseOf(story, 'echo'), phaseOf(story, 'broken')]).toEqual(['gathering', 'gathering']);
  story.wait(2 * MINUTE);
  story.resolve('echo', 'PodDown', node('node-1'));
  story.wait(10 * MINUTE);
  expect(story.posts().map(({ root, at }) => [root, (Date.parse(at) - START) / MINUTE])).toEqual([
    ['node-1', 1],
    ['broken', 35],
  ]);
  expect(story.decisions.find(({ reason }) => reason === 'uninhibited')).toMatchObject({
    service: 'broken',
    because: 'NodeDown of node-1 is over',
    rule: 'rules.yaml:3',
    delivery: undefined,
  });
});

test('the warning that a critical alert kept quiet goes on in its message when that ends', () => {
  const story = tell(NODES);
  story.fire('api', 'Latency', { severity: 'critical', labels: { namespace: 'shop' } });
  story.fire('api', 'Latency', { severity: 'warning', labels: { namespace: 'shop' } });
  story.wait(30 * MINUTE);
  story.resolve('api', 'Latency', { severity: 'critical', labels: { namespace: 'shop' } });
  story.wait(MINUTE);
  const [incident, ...others] = story.state.incidents.values();
  expect(others).toEqual([]);
  expect(incident).toMatchObject({ phase: 'open', severity: 'warning', reopened: 0 });
  story.resolve('api', 'Latency', { severity: 'warning', labels: { namespace: 'shop' } });
  expect(story.posts()).toHaveLength(1);
  expect(story.state.incidents.get(incident?.id ?? '')?.phase).toBe('resolved');
});

test('of the same check of the same service, it is said that the worse one inhibits', () => {
  const story = tell(NODES);
  story.fire('api', 'Latency', { severity: 'critical' });
  story.fire('api', 'Latency', { severity: 'warning' });
  const muted = [...story.state.alerts.values()].flatMap(({ muted: by }) => by ?? []);
  expect(muted.map(({ by }) => by)).toEqual(['critical Latency of api']);
});

test('one of two sources may end: its targets stay quiet until the last has', () => {
  const story = tell(NODES);
  story.fire('node-1', 'NodeDown', down('node-1'));
  story.fire('node-1b', 'NodeDown', down('node-1'));
  story.fire('api', 'PodDown', node('node-1'));
  story.resolve('node-1', 'NodeDown', down('node-1'));
  expect(phaseOf(story, 'api')).toContain('muted');
  story.resolve('node-1b', 'NodeDown', down('node-1'));
  expect(phaseOf(story, 'api')).toBe('gathering');
});

test('a source whose source does not mention it any more inhibits no longer', () => {
  const story = tell(`${NODES}incident: { resolveTimeout: 10m }\n`);
  story.fire('node-1', 'NodeDown', down('node-1'));
  for (let i = 0; i < 3; i++) {
    story.fire('api', 'PodDown', node('node-1'));
    story.wait(4 * MINUTE);
  }
  expect(phaseOf(story, 'node-1')).not.toContain('muted');
  expect(alertOf(story, 'node-1').status).toBe('resolved');
  expect(phaseOf(story, 'api')).toBe('gathering');
});

test('alerts that match both sides do not inhibit themselves or each other, but others', () => {
  const story = tell(`
inhibit:
  - { sourceMatchers: ['team="a"'], targetMatchers: ['severity=~"warning|critical"'], equal: [] }
`);
  story.fire('one', 'X', { labels: { team: 'a' } });
  story.fire('two', 'Y', { labels: { team: 'a' } });
  story.fire('three', 'Z', { labels: { team: 'b' } });
  expect(['one', 'two', 'three'].map((service) => phaseOf(story, service))).toEqual([
    'gathering',
    'gathering',
    'muted by X of one',
  ]);
  // A source that is no target inhibits them all.
  story.fire('four', 'W', { labels: { team: 'a' }, severity: 'info' });
  expect(['one', 'two'].map((service) => phaseOf(story, service))).toEqual([
    'muted by W of four',
    'muted by W of four',
  ]);
});

test('what is inhibited or silenced itself inhibits all the same', () => {
  const story = tell(`
inhibit:
  - { sourceMatchers: ['alertname="A"'], targetMatchers: ['alertname="B"'] }
  - { sourceMatchers: ['alertname="B"'], targetMatchers: ['alertname="C"'] }
silences: [{ match: ['alertname="A"'], why: known }]
`);
  story.fire('c', 'C');
  story.fire('b', 'B');
  story.fire('a', 'A');
  expect(['a', 'b', 'c'].map((service) => phaseOf(story, service))).toEqual([
    'muted by silence',
    'muted by A of a',
    'muted by B of b',
  ]);
});

test('a silence that ends leaves what is inhibited by then quiet, and says so', () => {
  const story = tell(
    `${NODES}silences: [{ match: ['alertname="PodDown"'], endsAt: 2026-03-03T10:10:00Z }]\n`,
  );
  story.fire('api', 'PodDown', node('node-1'));
  story.fire('node-1', 'NodeDown', down('node-1'));
  story.wait(20 * MINUTE);
  expect(phaseOf(story, 'api')).toBe('muted by NodeDown of node-1');
  const own = story.decisions.filter(({ service }) => service === 'api');
  expect(own.map(({ reason }) => reason)).toEqual(['silenced', 'inhibited']);
});

test('a severity that rises makes a source of an alert, and frees a target', () => {
  const story = tell(`severity: [annotations.level]\n${NODES}`);
  const at = (level: string, service: string) =>
    story.fire(service, 'Latency', { annotations: { level }, labels: { namespace: 'shop' } });
  at('warning', 'api');
  at('warning', 'web');
  at('critical', 'api');
  expect(phaseOf(story, 'web')).toBe('muted by Latency of api');
  at('critical', 'web');
  expect(phaseOf(story, 'web')).not.toContain('muted');
  at('warning', 'api');
  expect(phaseOf(story, 'api')).toBe('muted by Latency of web');
});

test('a rule that is taken out, put in or changed counts at once, and after a restart', () => {
  const [withRule, without] = [rulesOf(NODES), rulesOf(`hold: [{ for: 5m }]\n${APART}`)];
  for (const isRestart of [false, true]) {
    let state = createState('default');
    const disk = createDisk();
    const reload = (rules: Rules) => {
      if (!isRestart) return void decide(state, { kind: 'rules-changed' }, START, rules);
      state = disk.reloaded(state);
      decide(state, { kind: 'started' }, START, rules);
    };
    decide(state, { kind: 'started' }, START, withRule);
    decide(state, firing('node-1', 'NodeDown', 'n1', 'critical'), START, withRule);
    decide(state, firing('api', 'PodDown', 'n1', 'warning'), START, withRule);
    const isMuted = () => alertOf({ state }, 'api').muted !== undefined;
    expect(isMuted()).toBe(true);
    reload(withRule);
    expect(isMuted()).toBe(true);
    reload(without);
    expect(isMuted()).toBe(false);
    reload(withRule);
    expect(isMuted()).toBe(true);
    reload(rulesOf(NODES.replace('[node]', '[node, service]')));
    expect(isMuted()).toBe(false);
  }
});

test('thousands that one alert kept quiet take their place in slices', () => {
  const story = tell(`${NODES}storm: { off: true }\n`);
  story.fire('node-1', 'NodeDown', down('node-1'));
  for (let i = 0; i < 1_200; i++) story.fire(`pod-${i}`, 'PodDown', node('node-1'));
  expect(story.state.incidents.size).toBe(1);
  story.resolve('node-1', 'NodeDown', down('node-1'));
  const muted = () => [...story.state.alerts.values()].filter(({ muted: by }) => by !== undefined);
  // 500 steps, of which 100 brought them in order.
  expect(muted()).toHaveLength(800);
  story.wait(1);
  expect(muted()).toEqual([]);
});

test('what is inhibited for days is looked at once a day, and not without end', () => {
  const story = tell(NODES);
  story.fire('node-1', 'NodeDown', down('node-1'));
  story.fire('echo', 'PodDown', node('node-1'));
  story.wait(24 * HOUR - MINUTE);
  expect(phaseOf(story, 'echo')).toBe('muted by NodeDown of node-1');
  let ticks = 0;
  runDueUntil(story.state, story.now() + 5 * MINUTE, story.now(), 1_000, (event, now) => {
    ticks++;
    decide(story.state, event, now, story.rules);
  });
  expect(ticks).toBeLessThan(10);
});

/** What a store would have of a state. */
function createDisk() {
  const records = new Map<string, unknown>();
  return {
    reloaded(state: LaneState): LaneState {
      for (const { key, value } of takeChanges(state)) {
        if (value === undefined) records.delete(key);
        else records.set(key, value);
      }
      const again = createState('default');
      restore(
        again,
        [...records].map(([key, value]) => structuredClone({ key, value })),
      );
      return again;
    },
  };
}

// --- against the definition -----------------------------------------------------------------------

function firing(service: string, alertname: string, on: string, severity: string): Event {
  return event('firing', { service, alertname, node: on, severity }, START);
}

function event(status: 'firing' | 'resolved', labels: Alert['labels'], at: number): Event {
  const endsAt = status === 'resolved' ? at : undefined;
  return alertEvent(labels, { startsAt: at, endsAt });
}

/** Whether another firing alert inhibits it, by the words of Alertmanager's documentation. */
function isInhibited(state: LaneState, rules: Rules, target: Alert): boolean {
  return rules.inhibit.some((rule) => {
    const own = subjectOf(target);
    if (!rule.isTarget(own)) return false;
    return [...state.alerts.values()].some((source) => {
      const theirs = subjectOf(source);
      if (source.status !== 'firing' || !rule.isSource(theirs)) return false;
      if (rule.isSource(own) && rule.isTarget(theirs)) return false;
      return rule.valuesOf(own) === rule.valuesOf(theirs);
    });
  });
}

/** As plain data that can be compared. */
function plain({ groups, sources: facts }: InhibitIndex): unknown {
  const all = [...groups.values()]
    .map(({ key, sources, both }) => ({
      key,
      sources: [...sources].sort(),
      both: [...both].sort(),
    }))
    // Of targets those are left out that were told: nothing inhibits them before they fire anew.
    .filter(({ sources, both }) => sources.length + both.length > 0);
  return [
    all.sort((one, other) => (one.key < other.key ? -1 : 1)),
    [...facts.keys()].sort().map((name) => [name, facts.get(name)]),
  ];
}

const RULE_SETS = [
  NODES,
  `inhibit:
  - { source_matchers: ['severity="critical"'], target_matchers: ['severity!="critical"'], equal: [node] }
  - { sourceMatchers: ['alertname="B"'], targetMatchers: ['alertname=~"A|B"'] }
hold: [{ for: 2m }]
`,
  'hold: [{ for: 2m }]\n',
].map(rulesOf);

test('whatever happens, muted is what another alert inhibits, and nothing that was not told before fires unmuted beside one', () => {
  const step = fc.record({
    service: fc.constantFrom('a', 'b', 'c', 'd'),
    alertname: fc.constantFrom('A', 'B', 'NodeDown'),
    node: fc.constantFrom('n1', 'n2'),
    severity: fc.constantFrom('critical', 'warning'),
    act: fc.constantFrom('fire', 'fire', 'resolve', 'reload', 'restart'),
    minutes: fc.constantFrom(0, 0, 1, 7),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let state = createState('default');
      const disk = createDisk();
      let now = START;
      let current = 0;
      const play = (one: Event, at: number) => {
        decide(state, one, at, RULE_SETS[current % 3] ?? fail());
      };
      play({ kind: 'started' }, now);
      for (const { act, minutes, ...labels } of steps) {
        now = runDueUntil(state, now + minutes * MINUTE, now, 10_000, (one, at) =>
          play(one, at),
        ).now;
        if (act === 'reload') current++;
        if (act === 'reload') play({ kind: 'rules-changed' }, now);
        else if (act === 'restart') {
          state = disk.reloaded(state);
          play({ kind: 'started' }, now);
        } else play(event(act === 'fire' ? 'firing' : 'resolved', labels, now), now);
        agrees(state, RULE_SETS[current % 3] ?? fail());
      }
    }),
    { numRuns: 300 },
  );
});

function fail(): never {
  throw new Error('no such rules');
}

function agrees(state: LaneState, rules: Rules): void {
  const fresh = createInhibitIndex();
  useInhibitRules(fresh, rules.inhibit, state.alerts.values());
  expect(plain(state.inhibition)).toEqual(plain(fresh));
  for (const alert of state.alerts.values()) {
    if (alert.status !== 'firing') continue;
    const phase = state.incidents.get(alert.incident ?? '')?.phase;
    const is = isInhibited(state, rules, alert);
    if (alert.muted !== undefined) expect(is, `${alert.facts.service} is muted`).toBe(true);
    else if (is) expect(phase, `${alert.facts.service} is inhibited`).not.toBe('gathering');
    else expect(['gathering', 'open', 'acknowledged']).toContain(phase);
  }
}
