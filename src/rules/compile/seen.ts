/**
 * Rules against the alerts that were seen: what only history can tell. Recordings are read by
 * `quell check`; here is what is remembered of them, and what they say about the rules.
 */
import type { Instant, ReceivedAlert } from '../../model.ts';
import type { Collected } from './collect.ts';
import type { PlacedInhibit } from './inhibit.ts';
import type { PlacedMute } from './lists.ts';
import { counted, type Diagnostic } from '../files/diagnostics.ts';
import { formatDuration } from '../duration.ts';
import { type Report, below } from '../files/report.ts';
import type { Rules, Subject } from '../rules.ts';
import { refOf } from '../files/source-file.ts';
import { didYouMean } from '../did-you-mean.ts';

/** One alert, however often it fired. */
interface SeenAlert {
  readonly alert: ReceivedAlert;
  /** The file and line where it was first seen. */
  readonly file: string;
  readonly line: number;
  firings: number;
  /** Firings of which the end was seen. */
  ended: number;
  longestMs: number;
  /** The longest time between two mentions of one firing whose source named no end. */
  silentMs: number;
}

export interface Seen {
  /** Mentions of alerts, in order of time. */
  readonly add: (alert: ReceivedAlert, at: Instant, file: string, line: number) => void;
  readonly alerts: () => Iterable<SeenAlert>;
}

/** Distinct alerts that are remembered; further ones are not looked at. */
const ALERTS_MAX = 50_000;

interface Remembered extends SeenAlert {
  firingSince: Instant | undefined;
  mentionedAt: Instant;
}

export function createSeen(rules: Rules): Seen {
  const known = new Map<string, Remembered>();
  return {
    add(alert, at, file, line) {
      const labels = Object.entries(alert.labels)
        .filter(([name]) => !rules.notIdentity.has(name))
        .sort(([one], [other]) => (one < other ? -1 : 1));
      const key = JSON.stringify([alert.source, labels]);
      let seen = known.get(key);
      if (seen === undefined) {
        if (known.size >= ALERTS_MAX) return;
        seen = firstSeen(alert, at, file, line);
        known.set(key, seen);
      }
      mention(seen, alert, at);
    },
    alerts: () => known.values(),
  };
}

function firstSeen(alert: ReceivedAlert, at: Instant, file: string, line: number): Remembered {
  return {
    alert,
    file,
    line,
    firings: 0,
    ended: 0,
    longestMs: 0,
    silentMs: 0,
    firingSince: undefined,
    mentionedAt: at,
  };
}

function mention(seen: Remembered, alert: ReceivedAlert, at: Instant): void {
  const { firingSince } = seen;
  if (alert.status === 'firing') {
    const goesOn = firingSince !== undefined && alert.startsAt <= firingSince;
    if (goesOn && alert.endsAt === undefined)
      seen.silentMs = Math.max(seen.silentMs, at - seen.mentionedAt);
    if (!goesOn) {
      seen.firings += 1;
      seen.firingSince = alert.startsAt;
    }
  } else if (firingSince !== undefined) {
    seen.ended += 1;
    seen.longestMs = Math.max(seen.longestMs, at - firingSince);
    seen.firingSince = undefined;
  }
  seen.mentionedAt = at;
}

interface Known {
  readonly seen: SeenAlert;
  readonly subject: Subject;
}

function knownTo(rules: Rules, seen: Seen): readonly Known[] {
  return [...seen.alerts()].map((one) => {
    const { labels, source } = one.alert;
    return { seen: one, subject: { labels, source, facts: rules.normalise(one.alert) } };
  });
}

// --- what stands in the rules -----------------------------------------------------------------

interface Quieting {
  readonly mutes: readonly PlacedMute[];
  readonly inhibit: readonly PlacedInhibit[];
}

/** Fewer firings say nothing about the next. */
const FIRINGS_MIN = 5;

export function warnBySeen(
  collected: Collected,
  { mutes, inhibit }: Quieting,
  { rules, seen }: { readonly rules: Rules; readonly seen: Seen },
  report: Report,
): void {
  const known = knownTo(rules, seen);
  warnOfHolds(collected, known, rules, report);
  warnOfSilences(mutes, known, report);
  for (const one of inhibit) warnOfInhibition(one, known, report);
  warnOfTimeout(collected, known, report);
}

function warnOfHolds(
  collected: Collected,
  known: readonly Known[],
  rules: Rules,
  report: Report,
): void {
  const byRule = groupBy(known, ({ subject }) => rules.hold(subject).rule);
  for (const { value, place } of collected.hold) {
    const held = byRule.get(refOf(place)) ?? [];
    const firings = sum(held, ({ seen }) => seen.firings);
    const ended = sum(held, ({ seen }) => seen.ended);
    const longest = Math.max(0, ...held.map(({ seen }) => seen.longestMs));
    // With a reason it is meant to: it holds back what passes by itself.
    if (value.why !== undefined || longest >= value.for) continue;
    if (firings < FIRINGS_MIN || ended < firings) continue;
    const message = `none of the ${counted(firings, 'firing')} seen lasted this long, the longest ${formatDuration(longest)}: it would tell none of them by itself`;
    report.warning(below(place, 'for'), message, 'make it shorter, or say why: it is meant');
  }
}

function warnOfSilences(
  mutes: readonly PlacedMute[],
  known: readonly Known[],
  report: Report,
): void {
  if (known.length === 0) return;
  for (const { mute, place, called, kind } of mutes) {
    // A window may be meant for what seldom fires: with a reason it is.
    if (kind === 'window' && mute.why !== undefined) continue;
    const matched = known.filter(({ subject }) => mute.matches(subject)).length;
    if (matched === 0) {
      const message = `${called} matches none of the ${counted(known.length, 'alert')} seen`;
      report.warning(place, message, AS_QUELL_NAMES);
    } else if (matched === known.length && matched > 1) {
      const hint = 'say which alerts it is about';
      report.warning(place, `${called} matches all ${counted(matched, 'alert')} seen`, hint);
    }
  }
}

const AS_QUELL_NAMES = 'labels are compared as they are; facts, like severity, as Quell names them';

/** A side that nothing was seen of, or labels that nobody has or that no two have alike. */
function warnOfInhibition(
  { place, rule, equal, reads }: PlacedInhibit,
  known: readonly Known[],
  report: Report,
): void {
  if (known.length === 0) return;
  const sources = known.filter(({ subject }) => rule.isSource(subject));
  const targets = known.filter(({ subject }) => rule.isTarget(subject));
  if (sources.length === 0 || targets.length === 0) {
    const side = sources.length === 0 ? 'source' : 'target';
    const message = `none of the ${counted(known.length, 'alert')} seen matches the ${side} of this rule`;
    return report.warning(place, message, AS_QUELL_NAMES);
  }
  for (const [i, name] of equal.entries()) {
    const valueOf = ({ subject }: Known) => reads[i]?.(subject) ?? '';
    const values = new Set(sources.map(valueOf));
    const theirs = targets.map(valueOf);
    const isAbsent = values.size === 1 && values.has('') && theirs.every((value) => value === '');
    if (!isAbsent && theirs.some((value) => values.has(value))) continue;
    const message = isAbsent
      ? `no alert seen that this rule is about has a label "${name}": it restricts nothing, because absent counts as equal`
      : `of the alerts seen, no source and target have the same "${name}": the rule would have inhibited none`;
    return report.warning(below(place, 'equal', i), message, 'name labels that both have');
  }
}

function warnOfTimeout(collected: Collected, known: readonly Known[], report: Report): void {
  const { incident } = collected;
  const timeoutMs = incident?.value.resolveTimeout;
  if (incident === undefined || timeoutMs === undefined) return;
  const lost = known.filter(({ seen }) => seen.silentMs > timeoutMs);
  const [worst] = lost.toSorted((one, other) => other.seen.silentMs - one.seen.silentMs);
  if (worst === undefined) return;
  const { facts, source } = worst.subject;
  const silent = formatDuration(worst.seen.silentMs);
  const message = `${counted(lost.length, 'alert')} fired on for longer than this without being mentioned: ${facts.name} of ${facts.service}, by ${source}, for ${silent}`;
  const hint = 'they would be taken as resolved: make it longer, or leave it out';
  report.warning(below(incident.place, 'resolveTimeout'), message, hint);
}

// --- what the rules lack ----------------------------------------------------------------------

/** Of each kind; the rest is counted. */
const SHOWN_MAX = 25;

/** Names that the catalog does not know and alert rules without a runbook, each where it was seen first. */
export function missingBySeen(rules: Rules, seen: Seen): readonly Diagnostic[] {
  // Nobody is told of a heartbeat, so it needs neither an owner nor a runbook.
  const known = knownTo(rules, seen).filter(
    ({ subject }) => !rules.heartbeats.some((rule) => rule.matches(subject)),
  );
  const strangers = known.filter(
    ({ subject: { facts } }) =>
      // Without a name of its own an alert stands for its host, or for itself.
      !facts.known && facts.service !== facts.host && facts.service !== facts.name,
  );
  const bare = known.filter(
    ({ subject: { facts } }) =>
      facts.runbook === undefined &&
      rules.catalog.services.get(facts.service)?.runbook === undefined,
  );
  return [
    ...summed(strangers, 'service', (name, of) => {
      const near = didYouMean(name, rules.catalog.canonical.keys());
      const alias = near === undefined ? undefined : `${near} Then make it one of its aliases`;
      return {
        message: `service "${name}" is not in the catalog: seen in ${counted(of.length, 'alert')}, ${namesOf(of, 'name')}`,
        hint: alias ?? `add it under services:, if only by its name: - { name: ${name} }`,
      };
    }),
    ...summed(bare, 'name', (name, of) => ({
      message: `the alert rule "${name}" has no runbook: seen in ${counted(of.length, 'alert')} of ${namesOf(of, 'service')}`,
      hint: 'give it an annotation runbook_url, or its service a runbook:',
    })),
  ];
}

function summed(
  known: readonly Known[],
  by: 'name' | 'service',
  say: (name: string, of: readonly Known[]) => { readonly message: string; readonly hint: string },
): readonly Diagnostic[] {
  const groups = [...groupBy(known, ({ subject }) => subject.facts[by])].sort(
    ([one, some], [other, others]) => others.length - some.length || (one < other ? -1 : 1),
  );
  const shown = groups.slice(0, SHOWN_MAX).map(([name, of]) => ({ of, ...say(name, of) }));
  const left = groups.length - SHOWN_MAX;
  return shown.map(({ of, message, hint }, i) => ({
    file: of[0]?.seen.file ?? '.',
    line: of[0]?.seen.line ?? 1,
    column: 1,
    severity: 'warning',
    message:
      i === SHOWN_MAX - 1 && left > 0
        ? `${message} (${left} further names are not shown)`
        : message,
    hint,
    excerpt: undefined,
    width: 1,
  }));
}

function namesOf(known: readonly Known[], by: 'name' | 'service'): string {
  const names = [...new Set(known.map(({ subject }) => subject.facts[by]))];
  const more = names.length > 3 ? [`${names.length - 3} more`] : [];
  return [...names.slice(0, 3), ...more].join(', ');
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
