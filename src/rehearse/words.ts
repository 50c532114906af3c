/**
 * A comparison in words: the sentence that says it all, and small pieces that the text and the page
 * share. Every number carries what it is a number of.
 */
import { duration } from '../rules/duration.ts';
import { count } from '../slack/words.ts';
import type { Change } from './change.ts';
import type { Comparison, Fates } from './compare.ts';
import type { RuleEffect } from './effects.ts';

/** What an entry says, beside its place. Undefined when no file has it. */
export type Describe = (effect: Pick<RuleEffect, 'rule' | 'in'>) => string | undefined;

export function verdictOf(comparison: Comparison): string {
  const { fates, messages, fresh, merged, split, moved } = comparison;
  const { acknowledged } = fates;
  const all = Object.values(fates);
  const sum = (pick: (one: Fates) => number): number =>
    all.reduce((total, one) => total + pick(one), 0);
  const later = sum((one) => one.later);
  const quieter = sum((one) => one.hidden + one.digest);
  if (quieter + later + merged + split + moved + fresh === 0 && messages.now === messages.tried) {
    return 'No message would be different.';
  }
  const parts = [
    quieterInWords(
      sum((one) => one.hidden),
      sum((one) => one.digest),
      sum((one) => one.messages),
    ),
    `${figure(acknowledged.hidden + acknowledged.digest)} of ${figure(acknowledged.messages)} acknowledged ones`,
    ...(later > 0
      ? [
          `${figure(later)} later, by ${duration(Math.max(...all.map((one) => one.laterMaxMs)))} at most`,
        ]
      : []),
    ...(merged > 0 ? [`${figure(merged)} merged into others`] : []),
    ...(split > 0 ? [`${figure(split)} split`] : []),
    ...(moved > 0 ? [`${figure(moved)} in another channel`] : []),
    ...(fresh > 0 ? [`${count(fresh, 'new message')}`] : []),
  ];
  return `It ${parts.join('; ')}.`;
}

function quieterInWords(hidden: number, digest: number, told: number): string {
  const of = `of ${count(told, 'message')}`;
  if (digest === 0) return `would have hidden ${figure(hidden)} ${of}`;
  if (hidden === 0) return `would have left ${figure(digest)} ${of} for the digest`;
  return `would have hidden ${figure(hidden)} ${of} and left ${figure(digest)} for the digest`;
}

/** True when somebody who reacted to it would not have been told, or only the next morning. */
export function losesAcknowledged({ fates: { acknowledged } }: Comparison): boolean {
  return acknowledged.hidden + acknowledged.digest > 0;
}

export function figure(number: number): string {
  return number.toLocaleString('en-GB');
}

/** `+12`, `−69`, nothing for 0. */
export function difference(now: number, tried: number): string {
  if (now === tried) return '';
  return `${tried > now ? '+' : '−'}${figure(Math.abs(tried - now))}`;
}

export function changeInWords(change: Change): string {
  const { fate, byMs, mergedInto, pieces, channel } = change;
  const parts = [
    ...(fate === 'same' ? [] : [FATES[fate](duration(Math.abs(byMs)))]),
    ...(mergedInto === undefined ? [] : [`part of the message of ${mergedInto}`]),
    ...(pieces > 1 ? [`split into ${figure(pieces)} messages`] : []),
    ...(channel === undefined ? [] : [`in ${channel.tried} instead of ${channel.now}`]),
  ];
  return parts.join(', ');
}

const FATES = {
  hidden: () => 'not told',
  digest: () => 'only in the digest',
  later: (by: string) => `told ${by} later`,
  earlier: (by: string) => `told ${by} earlier`,
  new: () => 'told, and was not before',
} as const satisfies Record<Exclude<Change['fate'], 'same'>, (by: string) => string>;

export function effectInWords({ messages, later, moved }: RuleEffect): string {
  return [
    ...(messages === 0
      ? []
      : [`${difference(0, messages)} ${Math.abs(messages) === 1 ? 'message' : 'messages'}`]),
    ...(later === 0 ? [] : [`${figure(later)} later`]),
    ...(moved === 0 ? [] : [`${figure(moved)} to another channel`]),
  ].join(', ');
}

export function opinionInWords(opinion: Change['opinion']): string {
  if (opinion === 'acknowledged') return 'acknowledged';
  return opinion === 'not-actionable' ? 'marked 🗑️' : '';
}

export function minute(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
