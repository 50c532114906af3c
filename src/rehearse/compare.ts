/**
 * What another set of rules would change, from what both made of the same recording. Pure.
 *
 * The unit is the message: an incident that people were told of. Its firings are looked up under the
 * other rules, and what became of the message follows from when those were told there, and with whom.
 */
import type { Instant, RuleRef } from '../model.ts';
import type { ReplaySummary } from '../replay.ts';
import { type Effects, createEffects, type RuleEffect } from './effects.ts';
import { type Judged, OPINIONS, type Opinion } from './judge.ts';
import {
  count,
  type Firing,
  lastOf,
  type Ledger,
  type Messages,
  type Story,
  toldAt,
} from './ledger.ts';

/** `hidden`: nobody is told at all; `digest`: only once a day. */
export type Fate = 'same' | 'later' | 'earlier' | 'digest' | 'hidden' | 'new';

export interface Change {
  readonly fate: Fate;
  /** Incident under the rules in force; of the rules that are tried if it is new. */
  readonly incident: string;
  readonly at: Instant;
  readonly service: string;
  readonly environment: string;
  /** Kinds of its alerts, the first ones. */
  readonly alerts: readonly string[];
  readonly firings: number;
  readonly opinion: Opinion;
  /** Later or earlier by this. */
  readonly byMs: number;
  /** It has no message of its own any more: it stands in that of this incident. */
  readonly mergedInto: string | undefined;
  /** Into how many messages it falls; 1: it does not. */
  readonly pieces: number;
  readonly channel: { readonly now: string; readonly tried: string } | undefined;
  /** The entry that makes the difference, as far as one can be named. */
  readonly rule: RuleRef | undefined;
}

export interface Figure {
  readonly name: string;
  readonly now: number;
  readonly tried: number;
}

/** What becomes of the messages that people said something, or nothing, about. */
export interface Fates {
  readonly messages: number;
  readonly hidden: number;
  readonly digest: number;
  readonly later: number;
  readonly laterMaxMs: number;
  /** People reacted to it, and the rules in force would not tell it any more; nor would the others. */
  readonly untoldAlready: number;
}

export interface Comparison {
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly deliveries: number;
  readonly alerts: number;
  readonly firings: number;
  readonly messages: Omit<Figure, 'name'>;
  readonly updates: Omit<Figure, 'name'>;
  readonly threadLines: Omit<Figure, 'name'>;
  readonly byChannel: readonly Figure[];
  readonly byService: readonly Figure[];
  readonly fates: Readonly<Record<Opinion, Fates>>;
  readonly merged: number;
  readonly split: number;
  readonly moved: number;
  /** Told under the rules that are tried, and not under those in force. */
  readonly fresh: number;
  /** Each message that would not be the same, oldest first. */
  readonly changes: readonly Change[];
  /** Entries by how many messages they make a difference to. */
  readonly effects: readonly RuleEffect[];
}

/** One set of rules, when all is played. */
export interface Result {
  readonly summary: ReplaySummary;
  readonly ledger: Ledger;
}

export function compare(before: Result, after: Result, judged: readonly Judged[]): Comparison {
  const effects = createEffects();
  const told = [...before.ledger.stories.values()].filter(isTold);
  const opinions = opinionsOf(judged);
  const fated = told.map((story) => fateOf(story, after.ledger));
  const changes = [
    ...describeAll(fated, opinions, effects),
    ...freshChanges(before.ledger, after.ledger, effects),
  ].sort((one, other) => one.at - other.at);
  const { summary } = before;
  return {
    from: summary.from,
    to: summary.to,
    deliveries: summary.deliveries,
    alerts: summary.alerts,
    firings: summary.firings,
    messages: { now: summary.posts, tried: after.summary.posts },
    updates: { now: summary.updates, tried: after.summary.updates },
    threadLines: { now: summary.replies, tried: after.summary.replies },
    byChannel: figures('byChannel', before.ledger.messages, after.ledger.messages),
    byService: figures('byService', before.ledger.messages, after.ledger.messages),
    fates: fatesByOpinion(told, changes, judged, opinions, after.ledger),
    merged: changes.filter(({ mergedInto }) => mergedInto !== undefined).length,
    split: changes.filter(({ pieces }) => pieces > 1).length,
    moved: changes.filter(({ channel }) => channel !== undefined).length,
    fresh: changes.filter(({ fate }) => fate === 'new').length,
    changes: changes.filter(isDifferent),
    effects: effects.ranked(),
  };
}

/** It had a message, and alerts: storms and lost heartbeats stand for none of their own. */
function isTold(story: Story): boolean {
  return story.tellings.length > 0 && story.firings.length > 0;
}

function isDifferent({ fate, mergedInto, pieces, channel }: Change): boolean {
  return fate !== 'same' || mergedInto !== undefined || pieces > 1 || channel !== undefined;
}

// --- the fate of one message --------------------------------------------------------------------

interface Fated {
  readonly story: Story;
  readonly toldAt: Instant;
  readonly firings: readonly Firing[];
  /** The same firings under the other rules. */
  readonly there: readonly Firing[];
  /** The messages they stand in there, with when each told of them first; earliest first. */
  readonly messages: readonly { readonly story: Story; readonly at: Instant }[];
}

function fateOf(story: Story, after: Ledger): Fated {
  const told = story.firings.flatMap((firing) => {
    const at = toldAt(firing);
    return at === undefined ? [] : [at];
  });
  const there = story.firings.flatMap(({ key }) => after.firings.get(key) ?? []);
  const messages = new Map<Story, Instant>();
  for (const firing of there) {
    const at = toldAt(firing);
    if (firing.story === undefined || at === undefined) continue;
    const last = lastOf(firing.story);
    messages.set(last, Math.min(messages.get(last) ?? at, at));
  }
  return {
    story,
    toldAt: told.length === 0 ? (story.tellings[0] ?? story.beganAt) : Math.min(...told),
    firings: story.firings,
    there,
    messages: [...messages]
      .map(([last, at]) => ({ story: last, at }))
      .sort((one, other) => one.at - other.at),
  };
}

/** Several messages that become one: the earliest of them goes on, the others are merged into it. */
function describeAll(
  fated: readonly Fated[],
  opinions: ReadonlyMap<Story, Opinion>,
  effects: Effects,
): readonly Change[] {
  const holders = new Map<Story, Story>();
  for (const { story, messages } of [...fated].sort((one, other) => one.toldAt - other.toldAt)) {
    const first = messages[0]?.story;
    if (first !== undefined && !holders.has(first)) holders.set(first, story);
  }
  return fated.map((one) => {
    const first = one.messages[0]?.story;
    const holder = first === undefined ? undefined : holders.get(first);
    const into = holder === one.story ? undefined : holder;
    return describe(one, into, opinions.get(one.story) ?? 'untouched', effects);
  });
}

/** Less than this is no delay that anybody notices. */
const NOTICED_MS = 1_000;

function describe(
  fated: Fated,
  into: Story | undefined,
  opinion: Opinion,
  effects: Effects,
): Change {
  const { story, there, messages } = fated;
  const first = messages[0];
  const byMs = first === undefined ? 0 : first.at - fated.toldAt;
  const fate = first === undefined ? silentFate(there) : timing(byMs);
  const channel =
    first?.story.channel === undefined || first.story.channel === story.channel
      ? undefined
      : { now: story.channel ?? '', tried: first.story.channel };
  const change = { fate, into, pieces: messages.length, there, first: first?.story, channel };
  return {
    ...aboutStory(story),
    fate,
    at: fated.toldAt,
    opinion,
    byMs: Math.abs(byMs) < NOTICED_MS ? 0 : byMs,
    mergedInto: into?.id,
    pieces: Math.max(1, messages.length),
    channel,
    rule: effects.ofChange(change),
  };
}

function timing(byMs: number): Fate {
  if (byMs >= NOTICED_MS) return 'later';
  return byMs <= -NOTICED_MS ? 'earlier' : 'same';
}

function silentFate(there: readonly Firing[]): Fate {
  const listed = there.some(
    ({ story }) => story !== undefined && lastOf(story).quiet?.reason === 'digested',
  );
  return listed ? 'digest' : 'hidden';
}

const NAMES_MAX = 3;

function aboutStory(story: Story) {
  const names = new Set(story.firings.map(({ facts }) => facts.name));
  return {
    incident: story.id,
    service: story.root ?? story.firings[0]?.facts.service ?? '',
    environment: story.environment,
    alerts: [...names].slice(0, NAMES_MAX),
    firings: story.firings.length,
  };
}

/** Messages of which nothing was told under the rules in force. */
function freshChanges(before: Ledger, after: Ledger, effects: Effects): readonly Change[] {
  return [...after.stories.values()].filter(isTold).flatMap((story): readonly Change[] => {
    const here = story.firings.flatMap(({ key }) => before.firings.get(key) ?? []);
    if (here.some((firing) => toldAt(firing) !== undefined)) return [];
    const isVisible = story.firings.some((firing) => toldAt(firing) !== undefined);
    if (!isVisible) return [];
    return [
      {
        ...aboutStory(story),
        fate: 'new',
        at: story.tellings[0] ?? story.beganAt,
        opinion: 'untouched',
        byMs: 0,
        mergedInto: undefined,
        pieces: 1,
        channel: undefined,
        rule: effects.ofFresh(story, here),
      },
    ];
  });
}

// --- figures ------------------------------------------------------------------------------------

function figures(by: keyof Messages, before: Messages, after: Messages): readonly Figure[] {
  const names = new Set([...before[by].keys(), ...after[by].keys()]);
  return [...names]
    .map((name) => ({ name, now: before[by].get(name) ?? 0, tried: after[by].get(name) ?? 0 }))
    .sort(
      (one, other) =>
        Math.abs(other.tried - other.now) - Math.abs(one.tried - one.now) ||
        other.now - one.now ||
        (one.name < other.name ? -1 : 1),
    );
}

function opinionsOf(judged: readonly Judged[]): ReadonlyMap<Story, Opinion> {
  const opinions = new Map<Story, Opinion>();
  for (const { story, opinion } of judged) {
    if (story === undefined || opinions.get(story) === 'acknowledged') continue;
    opinions.set(story, opinion);
  }
  return opinions;
}

function fatesByOpinion(
  told: readonly Story[],
  changes: readonly Change[],
  judged: readonly Judged[],
  opinions: ReadonlyMap<Story, Opinion>,
  after: Ledger,
): Comparison['fates'] {
  const messages = new Map<string, number>();
  for (const story of told) count(messages, opinions.get(story) ?? 'untouched');
  const isStillUntold = ({ story, firings }: Judged): boolean =>
    (story === undefined || !isTold(story)) &&
    !firings.some(({ key }) => {
      const there = after.firings.get(key);
      return there !== undefined && toldAt(there) !== undefined;
    });
  const fates = (opinion: Opinion): Fates => {
    const own = changes.filter((change) => change.opinion === opinion && change.fate !== 'new');
    const later = own.filter(({ fate }) => fate === 'later');
    return {
      messages: messages.get(opinion) ?? 0,
      hidden: own.filter(({ fate }) => fate === 'hidden').length,
      digest: own.filter(({ fate }) => fate === 'digest').length,
      later: later.length,
      laterMaxMs: Math.max(0, ...later.map(({ byMs }) => byMs)),
      untoldAlready: judged.filter((one) => one.opinion === opinion && isStillUntold(one)).length,
    };
  };
  const [acknowledged, notActionable, untouched] = OPINIONS;
  return {
    [acknowledged]: fates(acknowledged),
    [notActionable]: fates(notActionable),
    [untouched]: fates(untouched),
  };
}
