/**
 * What was decided in a test, in order, for whoever wonders why it failed.
 */
import type { Decision, Instant } from '../model.ts';
import { formatDuration } from '../rules/duration.ts';
import { alertName } from './message-fields.ts';
import type { Played } from './play.ts';

const LINES_MAX = 60;
/** Says nothing about the rules. */
const UNTOLD: ReadonlySet<string> = new Set(['delivered']);

export function traceOf(played: Played, startsAt: Instant): readonly string[] {
  const shown = played.decisions.filter(({ reason }) => !UNTOLD.has(reason));
  const folded = fold(shown);
  const lines = folded.map(({ decision, times }) => lineOf(decision, times, played, startsAt));
  if (lines.length <= LINES_MAX) return lines;
  const left = lines.length - LINES_MAX;
  return [...lines.slice(0, LINES_MAX), `... and ${left} more decisions`];
}

interface Folded {
  readonly decision: Decision;
  times: number;
}

/** The same of the same alert in a row is one line. */
function fold(decisions: readonly Decision[]): readonly Folded[] {
  const folded: Folded[] = [];
  for (const decision of decisions) {
    const last = folded.at(-1);
    const same =
      last !== undefined &&
      last.decision.reason === decision.reason &&
      last.decision.fingerprint === decision.fingerprint &&
      decision.fingerprint !== undefined;
    if (same) last.times++;
    else folded.push({ decision, times: 1 });
  }
  return folded;
}

function lineOf(decision: Decision, times: number, played: Played, startsAt: Instant): string {
  const { at, reason, fingerprint, service, because, rule, why } = decision;
  const subject = played.subjects.get(fingerprint ?? '');
  const about = subject === undefined ? (service ?? '') : alertName(subject);
  const by = [rule, why].filter((part) => part !== undefined && part !== 'built-in').join(': ');
  const parts = [
    `+${formatDuration(at - startsAt)}`.padEnd(8),
    `${reason}${times > 1 ? ` (${times} times)` : ''}`.padEnd(10),
    about,
  ];
  const text = `${parts.join(' ').trimEnd()}${because === undefined ? '' : `: ${because}`}`;
  return by === '' ? text : `${text}  [${by}]`;
}
