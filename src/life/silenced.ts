/**
 * What mutes an alert now: the rules (silences in files, maintenance windows, the hours of its route),
 * then the silences that people set.
 */
import type { Muted, Silence } from '../model.ts';
import type { Subject } from '../rules/rules.ts';
import type { SilenceTest } from '../small-records.ts';
import type { Turn } from '../turn.ts';

/** How a decision refers to a silence that people set. */
export function silenceRef(id: string): string {
  return `silence ${id}`;
}

export function mutedNow(turn: Turn, subject: Subject): Muted | undefined {
  const { state, rules, now } = turn;
  const byRules = rules.muted(subject, now);
  if (byRules !== undefined || state.silences.size === 0) return byRules;
  for (const { silence } of state.silences.values()) {
    if (now < silence.startsAt || now >= silence.endsAt) continue;
    if (!testOf(turn, silence)(subject)) continue;
    return {
      by: `a silence of ${silence.createdBy}`,
      rule: silenceRef(silence.id),
      why: silence.comment,
      until: silence.endsAt,
    };
  }
  return undefined;
}

export function testOf(
  { state, rules }: Pick<Turn, 'state' | 'rules'>,
  silence: Silence,
): SilenceTest['matches'] {
  const known = state.silenceTests.get(silence);
  if (known?.rules === rules) return known.matches;
  const matches = rules.matching(silence.matchers);
  state.silenceTests.set(silence, { rules, matches });
  return matches;
}
