/**
 * What another set of rules would change, from what both made of the same recording, in figures. Pure.
 */
import type { Instant } from '../model.ts';
import type { ReplaySummary } from '../replay.ts';
import { type Change, changesBetween, isDifferent } from './change.ts';
import { createEffects, type RuleEffect } from './effects.ts';
import { type Judged, OPINIONS, type Opinion, opinionsByStory } from './judge.ts';
import { type Firing, type Ledger, type Messages, shownIn, toldAt } from './ledger.ts';

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
  /** Of those: somebody had reacted by then. */
  readonly tooLate: number;
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
  /** Incidents that people were told of. The other messages are of storms, digests and heartbeats, or were merged. */
  readonly told: Omit<Figure, 'name'>;
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
  const opinions = opinionsByStory(judged);
  const changes = changesBetween(before.ledger, after.ledger, opinions, effects);
  const { summary } = before;
  return {
    from: summary.from,
    to: summary.to,
    deliveries: summary.deliveries,
    alerts: summary.alerts,
    firings: summary.firings,
    messages: { now: summary.posts, tried: after.summary.posts },
    told: { now: shownIn(before.ledger).length, tried: shownIn(after.ledger).length },
    updates: { now: summary.updates, tried: after.summary.updates },
    threadLines: { now: summary.replies, tried: after.summary.replies },
    byChannel: figures('byChannel', before.ledger.messages, after.ledger.messages),
    byService: figures('byService', before.ledger.messages, after.ledger.messages),
    fates: fatesByOpinion(changes, judged, before.ledger, after.ledger),
    merged: changes.filter(({ mergedInto }) => mergedInto !== undefined).length,
    split: changes.filter(({ pieces }) => pieces > 1).length,
    moved: changes.filter(({ channel }) => channel !== undefined).length,
    fresh: changes.filter(({ fate }) => fate === 'new').length,
    changes: changes.filter(isDifferent),
    effects: effects.ranked(),
  };
}

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

function fatesByOpinion(
  changes: readonly Change[],
  judged: readonly Judged[],
  before: Ledger,
  after: Ledger,
): Comparison['fates'] {
  const fates = (opinion: Opinion): Fates => {
    const own = changes.filter((change) => change.opinion === opinion && change.fate !== 'new');
    const later = own.filter(({ fate }) => fate === 'later');
    const isUntold = (one: Judged): boolean =>
      one.opinion === opinion && !isToldIn(before, one.firings) && !isToldIn(after, one.firings);
    return {
      messages: own.length,
      hidden: own.filter(({ fate }) => fate === 'hidden').length,
      digest: own.filter(({ fate }) => fate === 'digest').length,
      later: later.length,
      laterMaxMs: Math.max(0, ...later.map(({ byMs }) => byMs)),
      tooLate: later.filter(({ tooLate }) => tooLate).length,
      untoldAlready: judged.filter(isUntold).length,
    };
  };
  const [acknowledged, notActionable, untouched] = OPINIONS;
  return {
    [acknowledged]: fates(acknowledged),
    [notActionable]: fates(notActionable),
    [untouched]: fates(untouched),
  };
}

function isToldIn(ledger: Ledger, firings: readonly Firing[]): boolean {
  return firings.some(({ key }) => {
    const firing = ledger.firings.get(key);
    return firing !== undefined && toldAt(firing) !== undefined;
  });
}
