/**
 * What was expected against what came out. A list of messages, of replies, of alerts or of mentions
 * is meant whole; texts are parts of what is said; of decisions only the named ones are looked for.
 */
import type { Decision } from '../model.ts';
import { formatDuration } from '../rules/duration.ts';
import { below } from '../rules/files/report.ts';
import type { Rules } from '../rules/rules.ts';
import type { Place } from '../rules/files/source-file.ts';
import { whyApart } from './apart.ts';
import { checkMessage, describeTold, describeWanted, type Mismatch } from './message-fields.ts';
import type { Played, Seen, Told } from './play.ts';
import type { Expectation, RuleTest, WantedDecision, WantedMessage } from './read.ts';

export interface Failure {
  readonly place: Place;
  /** What is looked at: `message 1: channel`. */
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  /** Why it is what it is, when that can be said. */
  readonly note: string | undefined;
}

export function failuresOf(test: RuleTest, played: Played, rules: Rules): readonly Failure[] {
  const impossible = played.impossible.map(({ place, problem }) => ({
    place,
    what: 'this reaction',
    expected: 'a message to react to',
    got: problem,
    note: undefined,
  }));
  const unmet = test.expect.flatMap((expectation, i) => {
    const seen = played.seen[i];
    if (seen === undefined) return [];
    const context = { test, played, seen, rules };
    return [...compareMessages(expectation, context), ...compareDecisions(expectation, context)];
  });
  return [...impossible, ...unmet];
}

interface Context {
  readonly test: RuleTest;
  readonly played: Played;
  readonly seen: Seen;
  readonly rules: Rules;
}

// --- messages ---------------------------------------------------------------------------------

interface Pair {
  readonly wanted: WantedMessage;
  readonly number: number;
  readonly told: Told | undefined;
  readonly mismatches: readonly Mismatch[];
}

function compareMessages({ messages, place }: Expectation, context: Context): readonly Failure[] {
  if (messages === undefined) return [];
  const { startsAt } = context.test;
  const { pairs, left } = pairUp(messages, context);
  const unmet = pairs.flatMap(({ wanted, number, told, mismatches }): readonly Failure[] => {
    if (told !== undefined) {
      return mismatches.map((one) => ({
        place: below(wanted.place, ...one.path),
        what: `message ${number}: ${one.what}`,
        expected: one.expected,
        got: one.got,
        note: one.note,
      }));
    }
    const got = context.seen.messages.length === 0 ? 'no message at all' : 'no such message';
    const expected = describeWanted(wanted);
    const note = heldNote(context) ?? digestNote(context);
    return [{ place: wanted.place, what: `message ${number}`, expected, got, note }];
  });
  const surplus = left.map((told) => ({
    place: below(place, 'messages'),
    what: 'the messages',
    expected: messages.length === 0 ? 'no message' : 'no other message',
    got: describeTold(told, startsAt),
    note: surplusNote(told, pairs, context),
  }));
  return [...unmet, ...surplus];
}

/** Why it was told, and why not within a message that was expected. */
function surplusNote(told: Told, pairs: readonly Pair[], { rules }: Context): string | undefined {
  const because = told.incident?.toldBecause;
  const notes = because === undefined ? [] : [`told because ${because}`];
  for (const { number, told: other } of pairs) {
    const apart = other && whyApart(told, other, rules);
    if (apart === undefined) continue;
    notes.push(`not in message ${number}: ${apart}`);
    break;
  }
  return notes.length === 0 ? undefined : notes.join('; ');
}

/** Whole matches first, then what is most alike, so that a diff shows the field that is wrong. */
function pairUp(
  messages: readonly WantedMessage[],
  { seen, test, rules }: Context,
): { readonly pairs: readonly Pair[]; readonly left: readonly Told[] } {
  const left = new Set(seen.messages);
  const found = new Map<WantedMessage, { told: Told; mismatches: readonly Mismatch[] }>();
  const check = (wanted: WantedMessage, told: Told) =>
    checkMessage(wanted, told, { startsAt: test.startsAt, people: rules.people });
  const give = (wanted: WantedMessage, told: Told, mismatches: readonly Mismatch[]): void => {
    found.set(wanted, { told, mismatches });
    left.delete(told);
  };
  for (const wanted of messages) {
    const told = [...left].find((one) => check(wanted, one).length === 0);
    if (told !== undefined) give(wanted, told, []);
  }
  for (const wanted of messages) {
    if (found.has(wanted)) continue;
    const likeness = [...left].map((told) => ({ told, mismatches: check(wanted, told) }));
    const [best] = likeness.sort((a, b) => a.mismatches.length - b.mismatches.length);
    // With nothing in common it is another message.
    const stated = Object.values(wanted.value).filter((one) => one !== undefined).length;
    const isOther = best === undefined || (best.mismatches.length >= stated && left.size > 1);
    if (!isOther) give(wanted, best.told, best.mismatches);
  }
  const pairs = messages.map((wanted, i) => {
    const { told, mismatches = [] } = found.get(wanted) ?? {};
    return { wanted, number: i + 1, told, mismatches };
  });
  return { pairs, left: [...left] };
}

/** Perhaps the test ends too early. */
function heldNote({ played, test }: Context): string | undefined {
  const [first] = played.held;
  if (first === undefined) return undefined;
  const { name, service } = first.facts;
  const until = formatDuration(first.heldUntil - test.startsAt);
  return `${name} of ${service} is held until +${until} by ${first.holdRule}; the test ends at +${formatDuration(test.untilMs)}`;
}

function digestNote({ played, test }: Context): string | undefined {
  if (played.digestAt === undefined) return undefined;
  const at = formatDuration(played.digestAt - test.startsAt);
  return `the digest is due at +${at}, and the test ends at +${formatDuration(test.untilMs)}: state \`until:\``;
}

// --- decisions --------------------------------------------------------------------------------

function compareDecisions({ decisions }: Expectation, context: Context): readonly Failure[] {
  return decisions.flatMap((wanted): readonly Failure[] => {
    const about = context.seen.decisions.filter((one) => isAbout(one, wanted, context.played));
    const count = about.filter((one) => isAsWanted(one, wanted, context.test)).length;
    const { times } = wanted.value;
    if (times === undefined ? count > 0 : count === times) return [];
    const expected = describeDecision(wanted);
    return [
      {
        place: below(wanted.place, 'reason'),
        what: 'a decision',
        expected,
        got: count > 0 ? `${count} of them` : nearestTo(wanted, about),
        note: undefined,
      },
    ];
  });
}

function isAbout(
  { fingerprint, incident }: Decision,
  wanted: WantedDecision,
  played: Played,
): boolean {
  const { alert } = wanted;
  if (alert === undefined) return true;
  const members = fingerprint === undefined ? played.members.get(incident ?? '') : [fingerprint];
  for (const one of members ?? []) {
    const subject = played.subjects.get(one);
    if (subject !== undefined && alert.matches(subject)) return true;
  }
  return false;
}

function isAsWanted(decision: Decision, { value }: WantedDecision, test: RuleTest): boolean {
  const { reason, at, because, rule, why } = value;
  return (
    decision.reason === reason &&
    (at === undefined || decision.at - test.startsAt === at) &&
    contains(decision.because, because) &&
    (rule === undefined || decision.rule === rule || fileOf(decision.rule) === rule) &&
    contains(decision.why, why)
  );
}

function contains(text: string | undefined, part: string | undefined): boolean {
  return part === undefined || (text ?? '').includes(part);
}

function fileOf(rule: string | undefined): string | undefined {
  return rule?.replace(/:\d+$/, '');
}

function describeDecision({ value }: WantedDecision): string {
  const { reason, alert, at, because, rule, why, times } = value;
  const parts = [
    ...(alert === undefined ? [] : [`of ${alert}`]),
    ...(at === undefined ? [] : [`at +${formatDuration(at)}`]),
    ...(because === undefined ? [] : [`because "${because}"`]),
    ...(rule === undefined ? [] : [`by ${rule}`]),
    ...(why === undefined ? [] : [`why "${why}"`]),
    ...(times === undefined ? [] : [times === 0 ? '(never)' : `(${times} times)`]),
  ];
  return [reason, ...parts].join(' ');
}

function nearestTo({ value }: WantedDecision, about: readonly Decision[]): string {
  if (about.length === 0) return 'nothing was decided about it';
  const same = about.filter(({ reason }) => reason === value.reason);
  if (same.length === 0) {
    return `${[...new Set(about.map(({ reason }) => reason))].join(', ')}`;
  }
  const ones = same.slice(0, 3).map(({ reason, because, rule, why }) => {
    const parts = [because && `because "${because}"`, rule && `by ${rule}`, why && `why "${why}"`];
    return [reason, ...parts.filter(Boolean)].join(' ');
  });
  return ones.join('; ');
}
