/**
 * Eventful days from a seed: cascades, flaps, storms, floods of one service, silences, windows, inhibition, heartbeats,
 * transactions, pods that are replaced, providers that fail, people who react, and a Slack that refuses and forgets. What
 * the sources send does not depend on what Quell decides; whom people answer does, so it is asked for with the state.
 */
import { createRandom, type Random } from '../../bench/noise/random.ts';
import type { Event, Labels } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { LaneState } from '../../src/state/state.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SECOND, SHOP } from './story.ts';

const COMMON = `${SHOP}
  - { name: gateway, dependsOn: [checkout, search] }
  - { name: search, dependsOn: [search-db] }
  - { name: search-db }
inhibit: [{ sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Echo"'], equal: [service] }]
maintenance:
  - { name: tea, match: ['service="basket-db"'], every: { times: [{ start_time: '11:00', end_time: '11:30' }] } }
teams: [{ name: team-shop, channel: '#shop', oncall: S012SHOPTEAM }]
digest: { at: ['10:40', '16:10'] }
`;

const FIRST = `${COMMON}
storm: { perMinute: 8 }
correlate: [{ match: ['job!=""'], by: [job] }]
replica: [site]
transaction: [labels.tid]
route:
  channel: '#alerts'
  routes:
    - { match: ['severity="info"'], channel: '#day', urgency: digest }
    - { match: ['alertname="Slow"', 'severity="warning"'], channel: '#alerts', urgency: thread }
    - { match: ['owner="team-shop"'], channel: owner, mention: oncall, escalate: { after: 15m, mention: S012TEAMLEAD } }
`;
const SECOND_ONE = `${COMMON}
storm: { perMinute: 12 }
transaction: [labels.tid]
route: { channel: '#alerts', escalate: { after: 30m, mention: here } }
`;
const PULSE = `heartbeats: [{ name: pulse, match: ['alertname="Pulse"'], missingAfter: 20m }]\n`;
const TIMES_OUT = 'incident: { resolveTimeout: 4h }\n';

/** Two sets that are in force by turns. Nothing in them says that silence means anything. */
export const RULES: readonly [Rules, Rules] = [rulesOf(FIRST), rulesOf(SECOND_ONE)];
/** The same, with time-outs: they begin anew with a start, because nobody could be heard before. */
export const RULES_OF_SILENCE: readonly [Rules, Rules] = [
  rulesOf(FIRST + PULSE + TIMES_OUT),
  rulesOf(SECOND_ONE + PULSE + TIMES_OUT),
];

/** Reasons of decisions that a few of such days all have. */
export const MUCH = [
  'opened',
  'joined',
  'merged',
  'rerooted',
  'refired',
  'reopened',
  'stale',
  'transient',
  'told',
  'digested',
  'storm-began',
  'stormed',
  'storm-ended',
  'silenced',
  'unsilenced',
  'inhibited',
  'uninhibited',
  'acknowledged',
  'solved',
  'refuted',
  'snoozed',
  'not-actionable',
  'taken-back',
  'escalated',
  'undeliverable',
  'reposted',
];

const SERVICES = [
  'checkout',
  'payments',
  'payments-db',
  'basket',
  'basket-db',
  'newsletter',
  'gateway',
  'search',
  'search-db',
  'odd',
  'else',
] as const;
const CASCADES = [
  ['payments-db', 'payments', 'checkout', 'gateway'],
  ['search', 'gateway', 'search-db'],
  ['basket', 'checkout', 'basket-db'],
  ['checkout', 'payments', 'search'],
  ['odd', 'else', 'newsletter'],
] as const;
const NAMES = ['Down', 'Errors', 'Slow', 'Echo', 'RequestRateLow'] as const;
const SEVERITIES = ['critical', 'high', 'warning', 'warning', 'info'] as const;
const EMOJI = ['eyes', 'white_check_mark', 'no_bell', 'wastebasket'] as const;
const USERS = ['U1', 'U2'] as const;

/** One alert that a source knows of. */
interface Thing {
  readonly labels: Labels;
  startsAt: number;
  endsAt: number | undefined;
}

export interface Turmoil {
  /** How long until the next events, in milliseconds. */
  readonly pause: () => number;
  /** What comes in at that instant. */
  readonly events: (now: number, state: LaneState) => readonly Event[];
}

/** `isPrompt`: what ends is said to end at once, so that no source is known to be late. */
export function createTurmoil(seed: string, isPrompt: boolean): Turmoil {
  const random = createRandom(seed);
  const things = new Map<string, Thing>();
  const said: Event[] = [];
  let hurry = 0;
  let delivery = 0;

  const labelsOf = (service: string): Labels => ({
    alertname: random.pick(NAMES),
    service,
    env: random.chance(0.9) ? 'production' : 'staging',
    severity: random.pick(SEVERITIES),
    ...(random.chance(0.4) ? { instance: `node-${random.int(1, 3)}:9100` } : {}),
    ...(random.chance(0.15) ? { job: `job-${random.int(0, 1)}` } : {}),
    ...(random.chance(0.15)
      ? { pod: `${service}-7d4b9c${random.int(10, 99)}-x${random.int(2, 9)}k2p` }
      : {}),
    ...(random.chance(0.15) ? { tid: `tid_${random.int(0, 12)}` } : {}),
    ...(random.chance(0.1) ? { url: `https://pay${random.int(0, 1)}.example.com/x` } : {}),
    ...(random.chance(0.2) ? { site: `site-${random.int(0, 1)}` } : {}),
  });
  const tell = (thing: Thing): Event => {
    const { labels, startsAt, endsAt } = thing;
    const { alertname, service } = labels;
    const annotations: Labels = alertname === 'Slow' ? { summary: `${service} is slow` } : {};
    const event = alertEvent(labels, { startsAt, endsAt, annotations });
    said.push(event);
    if (said.length > 60) said.shift();
    return { ...event, delivery: `d${++delivery}` };
  };
  const fire = (labels: Labels, now: number): Event => {
    const startsAt = now - (random.chance(0.3) ? random.int(0, 5) * MINUTE : 0);
    const thing = { labels, startsAt, endsAt: undefined };
    things.set(JSON.stringify(labels), thing);
    return tell(thing);
  };
  const some = (isFiring: boolean, most: number): readonly Thing[] => {
    const those = [...things.values()].filter(({ endsAt }) => (endsAt === undefined) === isFiring);
    return random.shuffle(those).slice(0, random.int(1, most));
  };
  const resolve = (all: readonly Thing[], now: number): readonly Event[] =>
    all.map((thing) => {
      thing.endsAt = Math.max(
        thing.startsAt + 1,
        isPrompt ? now : now - random.int(0, 4) * 30 * SECOND,
      );
      return tell(thing);
    });
  const again = (all: readonly Thing[], now: number): readonly Event[] =>
    all.map((thing) => {
      thing.startsAt = now;
      thing.endsAt = undefined;
      return tell(thing);
    });
  const bare = (alertname: string, service: string, severity: string): Labels => ({
    alertname,
    service,
    env: 'production',
    severity,
  });

  const happenings: readonly (readonly [
    number,
    (now: number, state: LaneState) => readonly Event[],
  ])[] = [
    [20, (now) => [fire(labelsOf(random.pick(SERVICES)), now)]],
    [
      8,
      (now) => {
        const names = random.pick(CASCADES).slice(0, random.int(2, 4));
        const alertname = random.pick(NAMES);
        return names.map((service) => fire({ ...labelsOf(service), alertname }, now));
      },
    ],
    [20, (now) => resolve(some(true, 3), now)],
    [6, (now) => resolve(some(true, 40), now)],
    [16, (now) => again(some(false, 2), now)],
    [8, () => some(true, 6).map(tell)],
    [5, () => (said.length === 0 ? [] : [random.pick(said)])],
    [8, (now) => [fire(bare('Pulse', '', 'none'), now)]],
    [
      3,
      (now) => {
        hurry = random.int(2, 8);
        return Array.from({ length: random.int(2, 6) }, () =>
          fire(labelsOf(random.pick([...SERVICES, ...STRANGERS])), now),
        );
      },
    ],
    [
      2,
      (now) => {
        // One service, very much of it.
        const service = random.pick(SERVICES);
        return Array.from({ length: 12 }, (_, n) =>
          fire({ ...bare('Errors', service, 'warning'), instance: `box-${n}:80` }, now),
        );
      },
    ],
    [4, (now) => [silenceOf(random, now)]],
    [
      2,
      (_now, state) => {
        const [id] = state.silences.keys();
        return id === undefined ? [] : [{ kind: 'unsilence', id, by: 'ada' }];
      },
    ],
    [14, (now, state) => peopleOf(random, now, state)],
    [1, () => [{ kind: 'odd', delivery: 'd', source: 'generic', error: 'no name', excerpt: '{}' }]],
  ];
  const sum = happenings.reduce((all, [weight]) => all + weight, 0);

  return {
    pause() {
      if (hurry > 0) {
        hurry--;
        return random.int(0, 3) * SECOND;
      }
      if (random.chance(0.02)) return random.int(4, 60) * HOUR;
      if (random.chance(0.1)) return random.int(20, 120) * MINUTE;
      return random.chance(0.5) ? random.int(1, 8) * MINUTE : random.int(0, 60) * SECOND;
    },
    events(now, state) {
      let place = random.next() * sum;
      const found = happenings.find(([weight]) => (place -= weight) < 0);
      return found?.[1](now, state) ?? [];
    },
  };
}

const STRANGERS = Array.from({ length: 8 }, (_, n) => `stranger-${n}`);

function silenceOf(random: Random, now: number): Event {
  const silence = {
    id: `s-${random.int(0, 5)}`,
    matchers: [{ name: 'service', value: random.pick(SERVICES), isRegex: false, isEqual: true }],
    startsAt: now + random.int(0, 1) * 10 * MINUTE,
    endsAt: now + random.int(11, 120) * MINUTE,
    createdBy: random.pick(['ada', 'bob']),
    comment: 'deploying',
  };
  return { kind: 'silence', silence };
}

function peopleOf(random: Random, now: number, state: LaneState): readonly Event[] {
  const told = [...state.incidents.values()].filter(({ message }) => message !== undefined);
  const ids = told.map(({ id }) => id).sort();
  if (ids.length === 0) return [];
  const incident = state.incidents.get(random.pick(ids));
  if (incident?.message === undefined) return [];
  const { message, replies } = incident;
  const reply = replies.find((one) => !one.includes(' '));
  const on = random.chance(0.2) && reply !== undefined ? { ...message, ts: reply } : message;
  const user = random.pick(USERS);
  const orderedAt = now - random.int(0, 2) * 10 * SECOND;
  if (random.chance(0.25)) {
    const service = random.pick(SERVICES);
    const text = random.pick([`split ${service}`, 'silence 30m busy', 'unsilence', 'what?']);
    return [{ kind: 'request', user, text, on, orderedAt }];
  }
  const added = random.chance(0.75);
  return [{ kind: 'reaction', added, emoji: random.pick(EMOJI), user, on, orderedAt }];
}
