/**
 * Plays one test in virtual time, through the pipeline of `quell replay` and so of the service, and
 * keeps what Slack showed and what was decided. Pure: the same test and rules always give the same.
 */
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import { subjectOf } from '../life/lead.ts';
import type { Alert, Decision, Event, Incident, Instant, ReceivedAlert } from '../model.ts';
import { createReplay, type MessageSubject, type Replay, type SentMessage } from '../replay.ts';
import type { Rules, Subject } from '../rules/rules.ts';
import { type Place, refOf } from '../rules/files/source-file.ts';
import { alertsOf } from '../state/state.ts';
import type { Reacting, RuleTest, Selector } from './read.ts';

/** A message as Slack showed it at some instant. */
export interface Told {
  readonly postedAt: Instant;
  readonly urgency: 'post' | 'thread' | 'digest';
  readonly message: SentMessage;
  /** Undefined for a digest. */
  readonly incident: Incident | undefined;
  readonly alerts: readonly Alert[];
  readonly replies: readonly { readonly at: Instant; readonly text: string }[];
}

/** What is to be seen when an expectation looks. */
export interface Seen {
  readonly at: Instant;
  readonly messages: readonly Told[];
  readonly decisions: readonly Decision[];
}

/** Something that the test wants to do and cannot. */
interface Impossible {
  readonly place: Place;
  readonly problem: string;
}

export interface Played {
  /** One for each expectation. */
  readonly seen: readonly Seen[];
  readonly decisions: readonly Decision[];
  readonly impossible: readonly Impossible[];
  /** What the rules see of each alert that was sent, by fingerprint. */
  readonly subjects: ReadonlyMap<string, Subject>;
  /** Fingerprints of the alerts of each incident, whatever became of it. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  /** Firing at the end, and not told. */
  readonly held: readonly Alert[];
  /** When the next digest that has something in it is due after the end. */
  readonly digestAt: Instant | undefined;
}

export function playTest(test: RuleTest, given: Rules): Played {
  const rules = rulesFor(given);
  const told: Told[] = [];
  const decisions: Decision[] = [];
  const replay: Replay = createReplay({
    rules,
    onMessage: (message, subject) => take(told, message, subject, replay),
    onDecision: (decision) => decisions.push(decision),
  });
  const impossible: Impossible[] = [];
  const seen = new Map<number, Seen>();
  const endsAt = test.startsAt + test.untilMs;
  // What needs the rules to be in force is decided from the first instant on.
  replay.play([], test.startsAt);
  for (const step of stepsOf(test, endsAt)) {
    if (step.at > endsAt) break;
    if (step.kind === 'event') replay.play([step.event], step.at);
    else replay.play([], step.at);
    if (step.kind === 'look')
      seen.set(step.index, { at: step.at, messages: [...told], decisions: [...decisions] });
    if (step.kind === 'react') {
      const event = reactionTo(step.reacting, step.at, told, rules);
      if ('problem' in event) impossible.push(event);
      else replay.play([event], step.at);
    }
  }
  replay.play([], endsAt);
  const last: Seen = { at: endsAt, messages: told, decisions };
  return {
    seen: test.expect.map((_, i) => seen.get(i) ?? last),
    decisions,
    impossible,
    subjects: subjectsOf(test, rules),
    members: membersOf(decisions, told),
    digestAt: nextOf([...replay.state.digests.values()].flatMap(({ dueAt }) => dueAt ?? [])),
    held: [...replay.state.alerts.values()].filter(
      ({ status, incident }) =>
        status === 'firing' && replay.state.incidents.get(incident ?? '')?.phase === 'gathering',
    ),
  };
}

function nextOf(instants: readonly Instant[]): Instant | undefined {
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/** A heartbeat is missed only when the test sends it once: else each test would have to. */
function rulesFor(rules: Rules): Rules {
  return {
    ...rules,
    heartbeats: rules.heartbeats.map((one) => ({ ...one, expected: false })),
  };
}

// --- what goes in -----------------------------------------------------------------------------

type Step = { readonly at: Instant } & (
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'react'; readonly reacting: Reacting }
  | { readonly kind: 'look'; readonly index: number }
);

/** In order of time; at the same instant alerts come first and looks last. */
function stepsOf(test: RuleTest, endsAt: Instant): readonly Step[] {
  const { startsAt } = test;
  const steps: Step[] = test.silences.map((silence) => ({
    kind: 'event',
    at: silence.startsAt,
    event: { kind: 'silence', silence },
  }));
  for (const { value, place } of test.alerts) {
    const delivery = refOf(place);
    for (const { at, alert } of sendings(value, startsAt, endsAt))
      steps.push({ kind: 'event', at, event: { kind: 'alert', delivery, alert } });
  }
  for (const reacting of test.reactions)
    steps.push({ kind: 'react', at: startsAt + reacting.atMs, reacting });
  for (const [index, { atMs }] of test.expect.entries())
    if (atMs !== undefined) steps.push({ kind: 'look', at: startsAt + atMs, index });
  return steps.sort((one, other) => one.at - other.at);
}

/** One alert of a test, each time that its source mentions it. */
function sendings(
  value: RuleTest['alerts'][number]['value'],
  startsAt: Instant,
  endsAt: Instant,
): readonly { readonly at: Instant; readonly alert: ReceivedAlert }[] {
  const { at = 0, for: lasts, every = 0, times = 1, resend } = value;
  const sent: { at: Instant; alert: ReceivedAlert }[] = [];
  for (let i = 0; i < times; i++) {
    const from = startsAt + at + i * every;
    const to = lasts === undefined ? undefined : from + lasts;
    const firing = received(value, from, undefined);
    sent.push({ at: from, alert: firing });
    if (resend !== undefined) {
      for (let again = from + resend; again < (to ?? endsAt + 1); again += resend)
        sent.push({ at: again, alert: firing });
    }
    if (to !== undefined) sent.push({ at: to, alert: received(value, from, to) });
  }
  return sent;
}

function received(
  { labels, annotations, source }: RuleTest['alerts'][number]['value'],
  startsAt: Instant,
  endsAt: Instant | undefined,
): ReceivedAlert {
  return {
    source: source ?? 'alertmanager',
    status: endsAt === undefined ? 'firing' : 'resolved',
    labels,
    annotations: annotations ?? {},
    startsAt,
    endsAt,
    generatorURL: undefined,
  };
}

function reactionTo(
  { emoji, added, user, on, place }: Reacting,
  at: Instant,
  told: readonly Told[],
  rules: Rules,
): Event | Impossible {
  const there = told.filter(({ incident }) => incident !== undefined);
  const { incident } = there.findLast((one) => standsFor(one, on)) ?? {};
  if (incident === undefined) {
    const problem =
      there.length === 0 || on === undefined
        ? 'there is no message to react to yet'
        : `no message stands for ${on.text} yet`;
    return { place, problem };
  }
  const named = [...rules.people].find(([, name]) => name.toLowerCase() === user.toLowerCase());
  return {
    kind: 'reaction',
    added,
    emoji,
    user: named?.[0] ?? user,
    on: { incident: incident.id },
    orderedAt: at,
  };
}

function standsFor(told: Told, on: Selector | undefined): boolean {
  return on === undefined || told.alerts.some((alert) => on.matches(subjectOf(alert)));
}

// --- what comes out ---------------------------------------------------------------------------

function take(told: Told[], message: SentMessage, subject: MessageSubject, replay: Replay): void {
  const { effect, incident, alerts } = subject;
  const at = Date.parse(message.at);
  if (effect.kind === 'reply' && effect.reply.kind === 'beside') {
    const { state } = replay;
    const beside = state.incidents.get(effect.reply.incident);
    told.push({
      postedAt: at,
      urgency: 'thread',
      message,
      incident: beside,
      alerts: [...alertsOf(state, effect.reply.incident)],
      replies: [],
    });
    return;
  }
  const index = told.findLastIndex((one) =>
    incident === undefined
      ? one.urgency === 'digest' && one.message.channel === message.channel
      : one.incident?.id === incident.id,
  );
  const known = told[index];
  if (message.action === 'post' || known === undefined) {
    const urgency = effect.kind === 'digest' ? 'digest' : 'post';
    told.push({ postedAt: at, urgency, message, incident, alerts, replies: [] });
  } else if (message.action === 'update') {
    told[index] = { ...known, message, incident, alerts };
  } else {
    told[index] = { ...known, replies: [...known.replies, { at, text: message.text }] };
  }
}

function subjectsOf(test: RuleTest, rules: Rules): ReadonlyMap<string, Subject> {
  return new Map(
    test.alerts.map(({ value }) => {
      const alert = received(value, test.startsAt, undefined);
      const fingerprint = fingerprintOf(alert.source, alert.labels, rules.notIdentity);
      const { labels, source } = alert;
      return [fingerprint, { labels, source, facts: rules.normalise(alert) }];
    }),
  );
}

function membersOf(
  decisions: readonly Decision[],
  told: readonly Told[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const members = new Map<string, Set<string>>();
  const add = (incident: string, fingerprint: string): void => {
    const known = members.get(incident);
    if (known === undefined) members.set(incident, new Set([fingerprint]));
    else known.add(fingerprint);
  };
  for (const { incident, fingerprint } of decisions)
    if (incident !== undefined && fingerprint !== undefined) add(incident, fingerprint);
  for (const { incident, alerts } of told)
    if (incident !== undefined) for (const { fingerprint } of alerts) add(incident.id, fingerprint);
  return members;
}
