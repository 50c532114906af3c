/**
 * What becomes of each message under other rules. Pure.
 *
 * Its firings are looked up there, and the rest follows from when those were told, and with whom.
 */
import type { Instant, Reason, RuleRef } from '../model.ts';
import type { Effects } from './effects.ts';
import type { Opinion, Opinions } from './judge.ts';
import {
  type Firing,
  lastOf,
  type Ledger,
  type Shown,
  shownIn,
  type Story,
  toldAt,
} from './ledger.ts';

/** `hidden`: nobody is told at all; `digest`: only once a day. */
type Fate = 'same' | 'later' | 'earlier' | 'digest' | 'hidden' | 'new';

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
  /** Somebody had reacted by the time at which it would be told. */
  readonly tooLate: boolean;
  /** It has no message of its own any more: it stands in that of this incident. */
  readonly mergedInto: string | undefined;
  /** Into how many messages it falls; 1: it does not. */
  readonly pieces: number;
  readonly channel: { readonly now: string; readonly tried: string } | undefined;
  /** The entry that makes the difference, as far as one can be named. */
  readonly rule: RuleRef | undefined;
}

/** Of every message that either side tells, oldest first, the same ones as well. */
export function changesBetween(
  before: Ledger,
  after: Ledger,
  opinions: Opinions,
  effects: Effects,
): readonly Change[] {
  const fated = shownIn(before).map((shown) => fateOf(shown, after));
  return [
    ...describeAll(fated, opinions, effects),
    ...freshChanges(before, shownIn(after), effects),
  ].sort((one, other) => one.at - other.at);
}

export function isDifferent({ fate, mergedInto, pieces, channel }: Change): boolean {
  return fate !== 'same' || mergedInto !== undefined || pieces > 1 || channel !== undefined;
}

interface Fated {
  readonly shown: Shown;
  /** The same firings under the other rules. */
  readonly there: readonly Firing[];
  /** The messages they stand in there, with when each told of them first; earliest first. */
  readonly messages: readonly { readonly story: Story; readonly at: Instant }[];
}

function fateOf(shown: Shown, after: Ledger): Fated {
  const there = shown.firings.flatMap(({ key }) => after.firings.get(key) ?? []);
  const messages = new Map<Story, Instant>();
  for (const firing of there) {
    const at = toldAt(firing);
    if (firing.story === undefined || at === undefined) continue;
    const last = lastOf(firing.story);
    messages.set(last, Math.min(messages.get(last) ?? at, at));
  }
  return {
    shown,
    there,
    messages: [...messages]
      .map(([story, at]) => ({ story, at }))
      .sort((one, other) => one.at - other.at),
  };
}

/** Several messages that become one: the earliest of them goes on, the others are merged into it. */
function describeAll(
  fated: readonly Fated[],
  opinions: Opinions,
  effects: Effects,
): readonly Change[] {
  const holders = new Map<Story, Story>();
  for (const { shown, messages } of fated.toSorted((one, other) => one.shown.at - other.shown.at)) {
    const first = messages[0]?.story;
    if (first !== undefined && !holders.has(first)) holders.set(first, shown.story);
  }
  return fated.map((one) => {
    const first = one.messages[0]?.story;
    const holder = first === undefined ? undefined : holders.get(first);
    const into = holder === one.shown.story ? undefined : holder;
    return describe(one, into, opinions, effects);
  });
}

/** Less than this is no delay that anybody notices. */
const NOTICED_MS = 1_000;

function describe(
  { shown, there, messages }: Fated,
  into: Story | undefined,
  opinions: Opinions,
  effects: Effects,
): Change {
  const first = messages[0];
  const opinion = opinions.get(shown.story);
  const byMs = first === undefined ? 0 : first.at - shown.at;
  const fate = first === undefined ? silentFate(there) : timing(byMs);
  const channel = channelsOf(shown.story, first?.story);
  const change = { fate, into, pieces: messages.length, there, first: first?.story, channel };
  return {
    ...aboutShown(shown),
    fate,
    opinion: opinion?.opinion ?? 'untouched',
    byMs: Math.abs(byMs) < NOTICED_MS ? 0 : byMs,
    tooLate: fate === 'later' && (opinion?.at ?? Infinity) < (first?.at ?? 0),
    mergedInto: into?.id,
    pieces: Math.max(1, messages.length),
    channel,
    rule: effects.ofChange(change),
  };
}

function channelsOf(here: Story, there: Story | undefined): Change['channel'] {
  if (there?.channel === undefined || there.channel === here.channel) return undefined;
  return { now: here.channel ?? '', tried: there.channel };
}

function timing(byMs: number): Fate {
  if (byMs >= NOTICED_MS) return 'later';
  return byMs <= -NOTICED_MS ? 'earlier' : 'same';
}

const IN_DIGEST: ReadonlySet<Reason | undefined> = new Set<Reason>(['digested', 'chronic']);

function silentFate(there: readonly Firing[]): Fate {
  const listed = there.some(
    ({ story }) => story !== undefined && IN_DIGEST.has(lastOf(story).quiet?.reason),
  );
  return listed ? 'digest' : 'hidden';
}

const NAMES_MAX = 3;

function aboutShown({ story, firings, at }: Shown) {
  const names = new Set(firings.map(({ facts }) => facts.name));
  return {
    incident: story.id,
    at,
    service: story.root ?? firings[0]?.facts.service ?? '',
    environment: story.environment,
    alerts: [...names].slice(0, NAMES_MAX),
    firings: firings.length,
  };
}

/** Messages of which nothing was told under the rules in force. */
function freshChanges(
  before: Ledger,
  after: readonly Shown[],
  effects: Effects,
): readonly Change[] {
  return after.flatMap((shown): readonly Change[] => {
    const here = shown.firings.flatMap(({ key }) => before.firings.get(key) ?? []);
    if (here.some((firing) => toldAt(firing) !== undefined)) return [];
    return [
      {
        ...aboutShown(shown),
        fate: 'new',
        opinion: 'untouched',
        byMs: 0,
        tooLate: false,
        mergedInto: undefined,
        pieces: 1,
        channel: undefined,
        rule: effects.ofFresh(shown.story, here),
      },
    ];
  });
}
