/**
 * Which entry of the rules makes the difference to a message, and for how many: the one that hides it,
 * delays it, routes it elsewhere or joins it to another; or the one that did, and is not there any more.
 */
import type { Draft, RuleRef } from '../model.ts';
import { type Firing, lastOf, type Story } from './ledger.ts';

export interface RuleEffect {
  readonly rule: RuleRef;
  /** Where it stands: among the rules in force, or those that are tried. */
  readonly in: 'now' | 'tried';
  /** Messages more (or fewer, below 0) for it. */
  readonly messages: number;
  readonly later: number;
  readonly moved: number;
}

export interface Effects {
  /** Counts it, and returns the entry. */
  readonly ofChange: (change: Changed) => RuleRef | undefined;
  readonly ofFresh: (story: Story, before: readonly Firing[]) => RuleRef | undefined;
  /** Largest first. */
  readonly ranked: () => readonly RuleEffect[];
}

interface Changed {
  readonly fate: 'same' | 'later' | 'earlier' | 'digest' | 'hidden' | 'new';
  /** It stands in the message of another incident. */
  readonly into: Story | undefined;
  readonly pieces: number;
  /** Its firings under the rules that are tried. */
  readonly there: readonly Firing[];
  /** Its message there. */
  readonly first: Story | undefined;
  readonly channel: object | undefined;
}

/** No entry of a file: nothing to look at. */
const BUILT_IN = 'built-in';

export function createEffects(): Effects {
  const found = new Map<string, Draft<RuleEffect>>();
  const note = (
    rule: RuleRef | undefined,
    where: 'now' | 'tried',
    change: Partial<Pick<RuleEffect, 'messages' | 'later' | 'moved'>>,
  ): RuleRef | undefined => {
    if (rule === undefined || rule === BUILT_IN) return undefined;
    const key = `${where} ${rule}`;
    const effect: Draft<RuleEffect> = found.get(key) ?? {
      rule,
      in: where,
      messages: 0,
      later: 0,
      moved: 0,
    };
    effect.messages += change.messages ?? 0;
    effect.later += change.later ?? 0;
    effect.moved += change.moved ?? 0;
    found.set(key, effect);
    return rule;
  };
  return {
    ofChange({ fate, into, pieces, there, first, channel }) {
      if (fate === 'hidden' || fate === 'digest')
        return note(hiderOf(there), 'tried', { messages: -1 });
      if (into !== undefined) return note(joinerOf(there), 'tried', { messages: -1 });
      if (pieces > 1) return undefined;
      if (channel !== undefined) return note(first?.routedBy, 'tried', { moved: 1 });
      if (fate === 'later') return note(first?.toldBy, 'tried', { later: 1 });
      return undefined;
    },
    ofFresh(story, before) {
      const tried = note(story.toldBy, 'tried', { messages: 1 });
      return tried ?? note(hiderOf(before), 'now', { messages: 1 });
    },
    ranked: () =>
      [...found.values()].sort(
        (one, other) =>
          Math.abs(other.messages) - Math.abs(one.messages) ||
          other.later + other.moved - one.later - one.moved ||
          (one.rule < other.rule ? -1 : 1),
      ),
  };
}

function hiderOf(firings: readonly Firing[]): RuleRef | undefined {
  for (const { story, mutedBy } of firings) {
    const rule = mutedBy ?? (story === undefined ? undefined : lastOf(story).quiet?.rule);
    if (rule !== undefined && rule !== BUILT_IN) return rule;
  }
  return undefined;
}

function joinerOf(firings: readonly Firing[]): RuleRef | undefined {
  return firings.find(({ joinedBy }) => joinedBy !== undefined && joinedBy !== BUILT_IN)?.joinedBy;
}
