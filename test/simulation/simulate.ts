/**
 * One seeded run: alerts come and go, deliveries are repeated, late and out of order, senders try until
 * they get a 2xx, and everything that can fail does. In the end it is compared with the truth.
 */
import type { Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { createRandom, type Random } from '../support/random.ts';
import { rulesOf, SHOP } from '../support/story.ts';
import { createDisk, type Machine, type Process, startProcess } from './machine.ts';
import { announcement, complaints, fires, type Inhibitors, type Truth, twice } from './oracle.ts';
import { createSlack } from './slack.ts';
import { createClock, createTime, NeverRests, type VirtualTime } from './time.ts';

const STEPS = 40;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const SERVICES = [
  'checkout',
  'payments',
  'payments-db',
  'basket',
  'basket-db',
  'newsletter',
  'stranger',
] as const;

const ROUTE = `
route:
  channel: '#alerts'
  urgency: post
  routes: [{ match: ['severity="critical"'], channel: '#critical' }]
`;
/** Stated, so that a seed goes on to find what it found when the built-in hold is tuned. */
const HOLD = `hold: [{ match: ['severity="critical"', 'tier!~"1|3"'], for: 1m }]\n`;
const OTHERS = `hold: [{ for: 1m }]\ncorrelate: [{ maxHops: 1, by: [severity] }]\nflap: [{ suppress: 1500 }]\n`;
/** Two sets of rules that take turns, with who inhibits whom. */
const PLAIN = [ruleSet(HOLD, {}), ruleSet(OTHERS, {})] as const;
const INHIBITING = [
  ruleSet(HOLD, { newsletter: ['basket-db'] }),
  ruleSet(OTHERS, { newsletter: ['basket-db'], basket: ['stranger'] }),
] as const;

/** What the newsletter has goes into a digest, which is brought up to date each quarter of an hour. */
const DIGEST = `
digest: { at: [${Array.from({ length: 96 }, (_, n) => `'${String(Math.floor(n / 4)).padStart(2, '0')}:${String((n % 4) * 15).padStart(2, '0')}'`).join(', ')}] }
route:
  channel: '#alerts'
  urgency: post
  routes:
    - { match: ['service="newsletter"'], channel: '#daily', urgency: digest }
    - { match: ['severity="critical"'], channel: '#critical' }
`;
const DIGESTING = [ruleSet(HOLD, {}, DIGEST), ruleSet(OTHERS, {}, DIGEST)] as const;

interface RuleSet {
  readonly rules: Rules;
  readonly inhibitors: Inhibitors;
}

function ruleSet(more: string, inhibitors: Inhibitors, route = ROUTE): RuleSet {
  return { rules: rulesOf(`${SHOP}${route}${more}${inhibitRules(inhibitors)}`), inhibitors };
}

/** Of some seeds, so that the others go on to find what they found. */
function rulesFor(seed: number): readonly [RuleSet, RuleSet] {
  if (seed % 4 === 0) return INHIBITING;
  return seed % 9 === 7 ? DIGESTING : PLAIN;
}

function inhibitRules(inhibitors: Inhibitors): string {
  const entries = Object.entries(inhibitors).flatMap(([target, sources]) =>
    sources.map(
      (source) =>
        `  - { sourceMatchers: ['service="${source}"'], targetMatchers: ['service="${target}"'], equal: [env] }\n`,
    ),
  );
  return entries.length === 0 ? '' : `inhibit:\n${entries.join('')}`;
}

interface Letter {
  readonly event: Event;
  /** When it was written. */
  readonly at: number;
}

/** People react in each fifth seed; by chances of their own, so that the others stay as they were. */
interface People {
  readonly random: Random;
  /** Slack tells of a reaction until it is answered; over a socket it may be told to nobody. */
  readonly socket: boolean;
  untold: Event[];
}

interface World {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly machine: Machine;
  readonly truths: readonly Truth[];
  /** What senders still have to get a 2xx for. */
  unsent: Letter[];
  /** What was sent, and may come once more, late. */
  readonly sent: Letter[];
  readonly ruleSets: ReturnType<typeof rulesFor>;
  rules: RuleSet;
  /** How likely the machine's clock jumps or stops. */
  readonly badClock: number;
  readonly people: People | undefined;
  quell: Process | undefined;
}

/** What is wrong after the run of a seed; empty when nothing is. */
export async function simulate(seed: number): Promise<readonly string[]> {
  try {
    return await run(seed);
  } catch (error) {
    if (error instanceof NeverRests) return [error.message];
    throw error;
  }
}

async function run(seed: number): Promise<readonly string[]> {
  const world = await begin(seed);
  for (let step = 0; step < STEPS; step++) {
    happen(world);
    await trouble(world);
    if (world.random.chance(0.8)) await send(world);
    react(world);
    const { random, time, machine } = world;
    await time.advance(random.chance(0.7) ? random.below(30 * SECOND) : random.below(10 * MINUTE));
    const doubled = twice(machine.slack.messages);
    if (doubled.length > 0) return doubled.map((one) => `step ${step}: ${one}`);
  }
  return end(world);
}

async function begin(seed: number): Promise<World> {
  const random = createRandom(seed);
  const time = createTime(Date.parse('2026-03-03T10:00:00Z'));
  const machine: Machine = {
    disk: createDisk(random),
    slack: createSlack(random, time),
    clock: createClock(time),
    random,
    crashes: 0.004,
    hasPeople: seed % 5 === 0,
    takenBack: [],
  };
  const truths: Truth[] = SERVICES.map((service, index) => ({
    service,
    severity: index % 2 === 0 ? 'critical' : 'warning',
    startsAt: undefined,
    endsAt: undefined,
    heardAt: undefined,
  }));
  const ruleSets = rulesFor(seed);
  const [rules] = ruleSets;
  const world: World = {
    random,
    time,
    machine,
    truths,
    unsent: [],
    sent: [],
    ruleSets,
    rules,
    badClock: random.chance(0.4) ? 0.04 : 0,
    people: machine.hasPeople ? createPeople(seed) : undefined,
    quell: undefined,
  };
  await start(world);
  return world;
}

function createPeople(seed: number): People {
  const random = createRandom(-seed);
  return { random, socket: random.chance(0.5), untold: [] };
}

/** Somebody puts 👀 on a message. Nobody ever takes it away. */
function react(world: World): void {
  const { people, time, quell, machine } = world;
  if (people === undefined) return;
  const { random, socket } = people;
  const shown = machine.slack.messages.filter(({ id }) => id.startsWith('message:'));
  const message = shown[random.below(shown.length)];
  if (message !== undefined && random.chance(0.3)) {
    const { channel, ts, eyes } = message;
    const user = random.pick(['U1', 'U2']);
    eyes.add(user);
    const on = { channel, ts };
    const heard = { kind: 'reaction', added: true, emoji: 'eyes', user, on } as const;
    if (!socket || random.chance(0.7)) people.untold.push({ ...heard, orderedAt: time.now() });
  }
  if (quell?.isAlive() !== true) return;
  tellOfReactions(world);
  if (socket && random.chance(0.2)) quell.listen();
}

/** Slack does so until it is answered. */
function tellOfReactions({ people, quell }: World): void {
  if (people === undefined || quell?.isAlive() !== true) return;
  for (const event of people.untold.splice(0))
    quell.hear(event).catch(() => void people.untold.push(event));
}

/** A supervisor starts it again and again: opening can fail like anything else. */
async function start(world: World): Promise<void> {
  const { machine, time } = world;
  for (let tries = 0; world.quell?.isAlive() !== true; tries++) {
    if (tries > 100) throw new Error('it does not start');
    let opened: Process | undefined;
    // A process that dies while it starts is never heard of again.
    startProcess(machine, world.rules.rules).then(
      (process) => {
        opened = process;
      },
      () => undefined,
    );
    await time.advance(SECOND);
    world.quell = opened;
  }
}

/** Something begins or ends to fire, or is said once more. */
function happen(world: World): void {
  const { random, time, truths, unsent } = world;
  const truth = truths[random.below(truths.length)];
  if (truth === undefined) return;
  if (random.chance(0.5)) {
    if (fires(truth)) truth.endsAt = time.now();
    else {
      truth.startsAt = time.now();
      truth.endsAt = undefined;
      truth.heardAt = undefined;
    }
  }
  if (truth.startsAt === undefined) return;
  const letter = { event: announcement(truth), at: time.now() };
  for (let times = 1 + random.below(2); times > 0; times--) unsent.push(letter);
  // Late news of an earlier state may overtake, and old deliveries come again.
  if (random.chance(0.3)) unsent.reverse();
  const old = world.sent[random.below(world.sent.length)];
  if (old !== undefined && random.chance(0.3)) unsent.push(old);
}

/** No sender tries for longer than this when there is newer to say: see LATE_MAX_MS. */
const LATE_MS = 4 * MINUTE;

function isWorthSending({ time, truths }: World, { event, at }: Letter): boolean {
  if (time.now() - at < LATE_MS) return true;
  return truths.some((truth) => JSON.stringify(announcement(truth)) === JSON.stringify(event));
}

/** What goes wrong around it. */
async function trouble(world: World): Promise<void> {
  const { random, time, machine } = world;
  const { disk, slack, clock } = machine;
  if (random.chance(0.1)) {
    world.rules = random.pick(world.ruleSets);
    world.quell?.lane.useRules(world.rules.rules);
  }
  if (random.chance(0.04)) disk.full = !disk.full;
  if (random.chance(0.04)) slack.revoked = !slack.revoked;
  if (random.chance(0.03)) slack.awayUntil = time.now() + random.below(90 * MINUTE);
  if (random.chance(0.005)) slack.loseChannel('#critical');
  if (random.chance(world.badClock)) clock.jump(random.below(20 * MINUTE) - 10 * MINUTE);
  if (random.chance(world.badClock)) clock.stop(random.below(20 * SECOND));
  if (random.chance(0.1)) clock.mend();
  if (random.chance(0.1)) world.quell?.kill();
  if (world.quell?.isAlive() === true) return;
  if (random.chance(0.5)) await time.advance(random.below(5 * MINUTE));
  await start(world);
}

/** Senders try everything that was not answered yet. */
async function send(world: World): Promise<void> {
  const { time, machine } = world;
  for (const letter of world.unsent.splice(0)) {
    if (!isWorthSending(world, letter)) continue;
    const submitted = world.quell?.lane.submit(machine.clock.now(), [letter.event]);
    const late = time.advance(200).then(() => Promise.reject(new Error('no answer')));
    const answered = submitted ?? Promise.reject(new Error('down'));
    try {
      await Promise.race([answered, late]);
      world.sent.push(letter);
      heard(world, letter);
    } catch {
      world.unsent.push(letter);
    }
    await late.catch(() => undefined);
  }
}

/** Of a firing that goes on; not by a clock that is wrong. */
function heard({ truths, time, badClock }: World, { event }: Letter): void {
  if (badClock > 0) return;
  for (const truth of truths) {
    if (truth.heardAt !== undefined || !fires(truth)) continue;
    if (JSON.stringify(announcement(truth)) === JSON.stringify(event)) truth.heardAt = time.now();
  }
}

/** By then nothing flaps any more. */
const CALM_MS = 5 * 60 * MINUTE;

async function end(world: World): Promise<readonly string[]> {
  const { time, machine, truths } = world;
  const { disk, slack, clock } = machine;
  disk.faulty = false;
  disk.full = false;
  slack.faulty = false;
  slack.revoked = false;
  slack.awayUntil = 0;
  machine.crashes = 0;
  clock.mend();
  await start(world);
  // By a wrong clock late news may look new. Sources repeat what fires, and that puts it right.
  if (world.badClock > 0) {
    for (const truth of truths) {
      if (truth.startsAt !== undefined) {
        world.unsent.push({ event: announcement(truth), at: time.now() });
      }
    }
  }
  for (let round = 0; round < 30 && world.unsent.length > 0; round++) {
    await send(world);
    await time.advance(10 * SECOND);
  }
  react(world);
  if (world.people?.socket === true) world.quell?.listen();
  await time.advance(CALM_MS);
  // Reactions that were asked for are told one after the other, each with a commit of its own.
  for (let round = 0; round < 10; round++) {
    tellOfReactions(world);
    await time.advance(SECOND);
  }
  if (machine.takenBack.length > 0) return machine.takenBack;
  if (world.unsent.length > 0) return [`${world.unsent.length} deliveries get no 2xx`];
  if (world.quell === undefined) return ['it is not running'];
  const { inhibitors } = world.rules;
  const always = world.ruleSets[0].inhibitors;
  return complaints(world.quell.lane, disk.store, { truths, inhibitors, always }, slack);
}
