/**
 * The arithmetic of the scores, on recordings small enough to count by hand.
 */
import { expect, test } from 'vitest';
import { createBaseline, type RecordedLine } from '../../bench/noise/baselines.ts';
import { labelStyle } from '../../bench/noise/labels.ts';
import { score, spread } from '../../bench/noise/score.ts';
import type { MessageLine } from '../../bench/noise/tally.ts';
import type { Truth, TruthEvent, TruthFiring } from '../../bench/noise/truth.ts';

const NOON = Date.parse('2026-03-23T12:00:00Z');

function at(seconds: number): string {
  return new Date(NOON + seconds * 1_000).toISOString();
}

/** An event from `from` to `to`, in seconds after noon. */
function event(id: string, from: number, to: number, more: Partial<TruthEvent> = {}): TruthEvent {
  return {
    id,
    kind: 'cascade',
    actionable: true,
    environment: 'production',
    root: 'db',
    severity: 'warning',
    urgent: false,
    startsAt: at(from),
    endsAt: at(to),
    firings: 1,
    ...more,
  };
}

function firing(
  name: string,
  events: readonly string[],
  from = 0,
  severity = 'warning',
): TruthFiring {
  const labels = { alertname: name, service: name };
  return { events, labels, severity, startsAt: at(from), endsAt: at(600), seenAt: at(from + 5) };
}

function truth(events: readonly TruthEvent[], firings: readonly TruthFiring[]): Truth {
  return {
    format: 1,
    seed: '1',
    days: 1,
    services: 45,
    style: 'plain',
    from: at(0),
    to: at(86_400),
    aliases: { 'svc-db': 'db' },
    events,
    firings,
  };
}

function line(
  action: string,
  seconds: number,
  incident: string,
  firings: readonly TruthFiring[],
  more: Partial<MessageLine> = {},
): MessageLine {
  const alerts = firings.map(({ labels, startsAt }) => ({ labels, startsAt }));
  return { at: at(seconds), action, channel: '#x', incident, alerts, root: 'db', ...more };
}

const A1 = firing('a1', ['e1']);
const A2 = firing('a2', ['e1'], 30);
const B1 = firing('b1', ['e2']);
const N1 = firing('n1', ['e3']);
const BOTH = firing('both', ['e1', 'e2'], 60);
const E1 = event('e1', 0, 600);
const E2 = event('e2', 0, 600, { root: 'cache' });
const NOISE = event('e3', 0, 600, { kind: 'transient', actionable: false });

test('one post for one incident of two alerts: everything is perfect', () => {
  const scores = score(truth([E1], [A1, A2]), [
    line('post', 20, 'i1', [A1]),
    line('update', 40, 'i1', [A1, A2]),
  ]);
  expect(scores).toMatchObject({
    firings: 2,
    posts: 1,
    noiseReduction: 0.5,
    recall: 1,
    precision: 1,
    useful: 1,
    postsPerIncident: 1,
    wrongMerges: 0,
    rootTop1: 1,
    updatesPerIncident: 1,
    repliesPerIncident: 0,
    missed: [],
    unmatched: 0,
  });
  expect(scores.pairs).toEqual({ both: 1, inMessage: 1, inTruth: 1, f1: 1 });
  expect(scores.delaySeconds.other).toEqual({ n: 1, p50: 15, p95: 15 });
});

test('a post about noise costs precision', () => {
  const scores = score(truth([E1, NOISE], [A1, N1]), [
    line('post', 20, 'i1', [A1]),
    line('post', 25, 'i2', [N1]),
  ]);
  expect(scores.precision).toBe(0.5);
  expect(scores.useful).toBe(0.5);
  expect(scores.byKind['transient']).toEqual({ events: 1, told: 0, posts: 1 });
});

test('two posts for one incident: right, but not useful', () => {
  const scores = score(truth([E1], [A1, A2]), [
    line('post', 20, 'i1', [A1]),
    line('post', 40, 'i2', [A2]),
  ]);
  expect(scores.precision).toBe(1);
  expect(scores.useful).toBe(0.5);
  expect(scores.postsPerIncident).toBe(2);
  expect(scores.pairs).toEqual({ both: 0, inMessage: 0, inTruth: 1, f1: 0 });
});

test('an incident that another one swallowed is missed, and the message mixes two', () => {
  const scores = score(truth([E1, E2], [A1, B1]), [
    line('post', 20, 'i1', [A1]),
    line('update', 40, 'i1', [A1, B1]),
    line('reply', 41, 'i1', [A1, B1]),
  ]);
  expect(scores.recall).toBe(0.5);
  expect(scores.toldAtAll).toBe(1);
  expect(scores.missed).toEqual(['e2']);
  expect(scores.wrongMerges).toBe(1);
});

test('a symptom that two failures share is right in the message of either', () => {
  const posts = (second: readonly TruthFiring[]) => [
    line('post', 20, 'i1', [A1]),
    line('post', 70, 'i2', [B1, ...second]),
  ];
  const scores = score(truth([E1, E2], [A1, B1, BOTH]), posts([BOTH]));
  expect(scores.wrongMerges).toBe(0);
  expect(scores.pairs.f1).toBe(1);
});

test('a post with nothing but a shared symptom tells of neither failure', () => {
  const scores = score(truth([E1, E2], [A1, B1, BOTH]), [line('post', 70, 'i1', [BOTH])]);
  expect(scores.recall).toBe(0);
  expect(scores.precision).toBe(1);
});

test('after a merge the root counts as the surviving message states it', () => {
  const scores = score(truth([E1], [A1, A2]), [
    line('post', 20, 'i1', [A1], { root: 'api' }),
    line('post', 40, 'i2', [A2], { root: 'db' }),
    line('update', 50, 'i2', [A1, A2], { root: 'db' }),
  ]);
  expect(scores.rootTop1).toBe(1);
  expect(scores.pairs.f1).toBe(1);
});

test('a post after the incident is over comes too late', () => {
  const scores = score(truth([E1], [A1]), [line('post', 700, 'i1', [A1])]);
  expect(scores.recall).toBe(0);
  expect(scores.precision).toBe(1);
});

test('a maintenance window delays what can be told', () => {
  const muted = event('e1', 0, 600, { mutedUntil: at(300) });
  const scores = score(truth([muted], [A1]), [line('post', 310, 'i1', [A1])]);
  expect(scores.delaySeconds.other.p50).toBe(10);
});

test('urgent incidents count from their first alert, and from their first critical one', () => {
  const urgent = event('e1', 0, 600, { urgent: true, severity: 'critical' });
  const critical = firing('a2', ['e1'], 30, 'critical');
  const scores = score(truth([urgent], [A1, critical]), [line('post', 36, 'i1', [A1, critical])]);
  expect(scores.delaySeconds.urgent.p50).toBe(31);
  expect(scores.delaySeconds.urgentSinceCritical.p50).toBe(1);
});

test('the root counts by its catalog name, as the message last said while the incident lasted', () => {
  const lines = [
    line('post', 20, 'i1', [A1], { root: 'api', candidates: ['api', 'svc-db'] }),
    line('update', 40, 'i1', [A1], { root: 'svc-db', candidates: ['svc-db', 'api'] }),
    line('update', 5_000, 'i1', [A1], { root: 'api' }),
  ];
  const scores = score(truth([E1], [A1]), lines);
  expect(scores.rootTop1).toBe(1);
  expect(scores.rootTop1AtPost).toBe(0);
  expect(scores.rootTop3).toBe(1);
});

test('a storm is counted by itself', () => {
  const storm = event('e9', 0, 600, { kind: 'storm' });
  const many = Array.from({ length: 1_000 }, (_, i) => firing(`s${i}`, ['e9']));
  const scores = score(truth([storm, E1], [...many, A1]), [
    line('post', 20, 'i1', many.slice(0, 3)),
    line('post', 20, 'i2', [A1]),
  ]);
  expect(scores.stormReduction).toBe(0.999);
  expect(scores.firings).toBe(1);
  expect(scores.noiseReduction).toBe(0);
});

test('a replica whose clock is two seconds off means the same firing', () => {
  const alerts = [{ labels: A1.labels, startsAt: at(2) }];
  const scores = score(truth([E1], [A1]), [line('post', 20, 'i1', [], { alerts })]);
  expect(scores.recall).toBe(1);
  expect(scores.unmatched).toBe(0);
});

test('an alert that the truth does not know is reported', () => {
  const alerts = [{ labels: { alertname: 'x' }, startsAt: at(0) }];
  expect(score(truth([E1], [A1]), [line('post', 20, 'i1', [], { alerts })]).unmatched).toBe(1);
});

test('a missed short critical incident is counted', () => {
  const short = event('e1', 0, 240, { kind: 'short-critical', urgent: true });
  expect(score(truth([short], [A1]), []).shortCritical).toEqual({ events: 1, missed: 1 });
});

test('percentiles are values that occurred', () => {
  expect(spread([4, 1, 3, 2])).toEqual({ n: 4, p50: 2, p95: 4 });
  expect(spread([])).toEqual({ n: 0, p50: 0, p95: 0 });
});

const recorded = (seconds: number, name: string, starts: number): RecordedLine => ({
  at: at(seconds),
  body: {
    alerts: [
      {
        status: 'firing',
        labels: { alertname: name, service: 's', env: 'p' },
        startsAt: at(starts),
      },
    ],
  },
});

test('the simplest baseline posts each firing once', () => {
  const baseline = createBaseline('alert', labelStyle('plain'));
  const lines = [recorded(5, 'A', 0), recorded(9, 'A', 0), recorded(65, 'A', 60)];
  expect(lines.flatMap(baseline).map(({ action }) => action)).toEqual(['post', 'post']);
});

test('the other baseline joins firings of one name and service up to five minutes apart', () => {
  const baseline = createBaseline('name5m', labelStyle('plain'));
  const lines = [
    recorded(5, 'A', 0),
    recorded(300, 'A', 290),
    recorded(590, 'A', 580),
    recorded(900, 'A', 890),
    recorded(901, 'B', 890),
  ];
  const actions = lines.flatMap(baseline).map(({ action }) => action);
  expect(actions).toEqual(['post', 'update', 'update', 'post', 'post']);
});
