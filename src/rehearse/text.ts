/**
 * A comparison for the terminal: figures of both sides, what people would have missed, and the
 * entries that make the difference.
 */
import { duration } from '../rules/duration.ts';
import type { Change } from './change.ts';
import type { Comparison, Fates, Figure } from './compare.ts';
import {
  changeInWords,
  type Describe,
  difference,
  effectInWords,
  figure,
  minute,
  verdictOf,
} from './words.ts';

const CHANNELS_SHOWN = 8;
const SERVICES_SHOWN = 5;
const EFFECTS_SHOWN = 5;
const CHANGES_SHOWN = 10;
const NUMBER_WIDTH = 9;

type Row = readonly [name: string, now: string, tried: string, remark: string];

export function renderText(comparison: Comparison, describe: Describe): string {
  const rows = rowsOf(comparison);
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const table = rows.map(([name, now, tried, remark]) => {
    const numbers = now.padStart(NUMBER_WIDTH) + tried.padStart(NUMBER_WIDTH);
    return `${name.padEnd(width)}${numbers}  ${remark}`.trimEnd();
  });
  return [
    verdictOf(comparison),
    '',
    ...table,
    ...section('Largest effect', effectLines(comparison, describe)),
    ...section('Acknowledged by people, and different now', acknowledgedLines(comparison)),
    '',
  ].join('\n');
}

function rowsOf(comparison: Comparison): readonly Row[] {
  const { acknowledged, 'not-actionable': marked, untouched } = comparison.fates;
  const quiet = [marked, untouched];
  return [
    ['', 'now', 'new', ''],
    ['alerts in', figure(comparison.alerts), figure(comparison.alerts), ''],
    row('messages', comparison.messages),
    ...aside(comparison),
    ...shortened(comparison.byChannel, CHANNELS_SHOWN).map((one) => row(`  ${one.name}`, one)),
    ...servicesOf(comparison),
    row('updates of them', comparison.updates),
    row('thread lines', comparison.threadLines),
    ['told later', '-', figure(total([acknowledged, ...quiet], 'later')), laterRemark(comparison)],
    ...rare('merged into another', comparison.merged),
    ...rare('split', comparison.split),
    ...rare('in another channel', comparison.moved),
    ...rare('told, and not before', comparison.fresh),
    [
      'lost',
      '-',
      figure(acknowledged.hidden + acknowledged.digest),
      `of ${figure(acknowledged.messages)} that people acknowledged${untold(acknowledged)}`,
    ],
    [
      'hidden',
      '-',
      figure(total(quiet, 'hidden') + total(quiet, 'digest')),
      `of ${figure(total(quiet, 'messages'))} that people marked 🗑️ (${figure(marked.hidden + marked.digest)} of ${figure(marked.messages)}) or that ended untouched${digested(quiet)}`,
    ],
  ];
}

function row(name: string, { now, tried }: Omit<Figure, 'name'>): Row {
  return [name, figure(now), figure(tried), difference(now, tried).padStart(7)];
}

/** What is judged are incidents: where there are other messages too, the line above says something else. */
function aside({ messages, told }: Comparison): readonly Row[] {
  const isSame = messages.now === told.now && messages.tried === told.tried;
  return isSame ? [] : [row('  incidents told', told)];
}

/** Worth a line only when there is one. */
function rare(name: string, number: number): readonly Row[] {
  return number === 0 ? [] : [[name, '-', figure(number), '']];
}

/** Services only where the number of messages changes. */
function servicesOf({ byService }: Comparison): readonly Row[] {
  const changed = byService.filter(({ now, tried }) => now !== tried);
  if (changed.length === 0) return [];
  const rows = shortened(changed, SERVICES_SHOWN).map((one) => row(`  ${one.name}`, one));
  return [['by likely cause', '', '', ''], ...rows];
}

function shortened(figures: readonly Figure[], shown: number): readonly Figure[] {
  if (figures.length <= shown) return figures;
  const rest = figures.slice(shown);
  const sum = (which: 'now' | 'tried') => rest.reduce((all, one) => all + one[which], 0);
  const name = `${rest.length} others`;
  return [...figures.slice(0, shown), { name, now: sum('now'), tried: sum('tried') }];
}

type Countable = { [K in keyof Fates]: Fates[K] extends number ? K : never }[keyof Fates];

function total(fates: readonly Fates[], what: Countable): number {
  return fates.reduce((all, one) => all + one[what], 0);
}

function laterRemark({ fates }: Comparison): string {
  const { acknowledged } = fates;
  const max = Math.max(...Object.values(fates).map(({ laterMaxMs }) => laterMaxMs));
  if (max === 0) return '';
  const own =
    acknowledged.tooLate === 0
      ? 'none acknowledged within it'
      : `${figure(acknowledged.tooLate)} acknowledged within it`;
  return `by ${duration(max)} at most, ${own}`;
}

function untold({ untoldAlready }: Fates): string {
  return untoldAlready === 0
    ? ''
    : `; ${figure(untoldAlready)} more that neither set of rules would tell`;
}

function digested(fates: readonly Fates[]): string {
  const inDigest = total(fates, 'digest');
  return inDigest === 0 ? '' : `; ${figure(inDigest)} of them stand in the digest`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function effectLines({ effects }: Comparison, describe: Describe): readonly string[] {
  return effects.slice(0, EFFECTS_SHOWN).map((effect) => {
    const text = describe(effect);
    const what = text === undefined ? '' : `  ${text}`;
    const gone = effect.in === 'now' ? ' (as it is now)' : '';
    return `${effectInWords(effect)}: ${effect.rule}${gone}${what}`;
  });
}

function acknowledgedLines({ changes }: Comparison): readonly string[] {
  const own = changes.filter(({ opinion }) => opinion === 'acknowledged');
  const lines = own.slice(0, CHANGES_SHOWN).map(changeLine);
  const more = own.length - lines.length;
  return more > 0 ? [...lines, `and ${figure(more)} more`] : lines;
}

function changeLine(change: Change): string {
  const { at, service, alerts, rule } = change;
  const by = rule === undefined ? '' : ` (${rule})`;
  return `${minute(at)}  ${alerts.join(', ')} of ${service}: ${changeInWords(change)}${by}`;
}
