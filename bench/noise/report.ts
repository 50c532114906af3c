/**
 * Scores as text: a list for the terminal, tables for RESULTS.md, each figure beside its goal.
 */
import type { Scores } from './score.ts';

interface Row {
  readonly name: string;
  readonly goal: string;
  /** Undefined where the recording has nothing of the kind. */
  readonly values: (scores: Scores) => readonly (number | undefined)[];
  readonly show: (values: readonly number[]) => string;
}

const percent =
  (digits: number) =>
  ([value = 0]: readonly number[]): string =>
    `${(value * 100).toFixed(digits)} %`;
const fixed =
  (digits: number) =>
  (values: readonly number[]): string =>
    values.map((value) => value.toFixed(digits)).join('; ');
const seconds = (values: readonly number[]): string =>
  values.map((value) => `${value.toFixed(0)} s`).join(', ');

function row(name: string, goal: string, values: Row['values'], show: Row['show']): Row {
  return { name, goal, values, show };
}

const ROWS: readonly Row[] = [
  row('firings; posts', '', (it) => [it.firings, it.posts], fixed(0)),
  row('noise reduction', '99.4 %', (it) => [it.noiseReduction], percent(2)),
  row('noise reduction in a storm', '99.9 %', (it) => [it.stormReduction], percent(2)),
  row('recall of actionable incidents', '100 %', (it) => [it.recall], percent(1)),
  row('... told at least in a thread', '', (it) => [it.toldAtAll], percent(1)),
  row('actionable; not told', '', (it) => [it.actionable, it.missed.length], fixed(1)),
  row(
    'short critical ones; missed',
    '0 missed',
    ({ shortCritical: it }) => [it.events, it.missed],
    fixed(1),
  ),
  row('precision of posts', '95 %', (it) => [it.precision], percent(1)),
  row('useful posts', '90 %', (it) => [it.useful], percent(1)),
  row('posts per actionable incident', '≤ 1.05', (it) => [it.postsPerIncident], fixed(2)),
  row('posts that mix two incidents', '< 1 %', (it) => [it.wrongMerges], percent(1)),
  row('pairwise F1', '0.95', (it) => [it.pairs.f1], fixed(3)),
  row('root cause top-1', '90 %', (it) => [it.rootTop1], percent(1)),
  row('... in the first post', '', (it) => [it.rootTop1AtPost], percent(1)),
  row('root cause top-3', '98 %', (it) => [it.rootTop3], percent(1)),
  row(
    'delay, critical: p50, p95',
    'p95 < 15 s',
    ({ delaySeconds: { urgent: it } }) => (it.n === 0 ? [undefined] : [it.p50, it.p95]),
    seconds,
  ),
  row(
    '... since its first critical alert',
    '',
    ({ delaySeconds: { urgentSinceCritical: it } }) =>
      it.n === 0 ? [undefined] : [it.p50, it.p95],
    seconds,
  ),
  row(
    'delay, other: p50, p95',
    'p95 < 120 s',
    ({ delaySeconds: { other: it } }) => (it.n === 0 ? [undefined] : [it.p50, it.p95]),
    seconds,
  ),
  row(
    'updates; replies per incident',
    '',
    (it) => [it.updatesPerIncident, it.repliesPerIncident],
    fixed(1),
  ),
];

export function scoreLines(scores: Scores): string[] {
  const lines = ROWS.map((it) => `${it.name.padEnd(38)}${cell(it, [scores]).padEnd(22)}${it.goal}`);
  lines.push('', 'kind                    events  told  posts');
  for (const [kind, it] of Object.entries(scores.byKind)) {
    lines.push(`${kind.padEnd(24)}${pad(it.events)}${pad(it.told)}${pad(it.posts)}`);
  }
  if (scores.missed.length > 0) lines.push('', `missed: ${scores.missed.join(' ')}`);
  if (scores.unmatched > 0) {
    lines.push(`alerts in messages that the truth does not know: ${scores.unmatched}`);
  }
  return lines;
}

/** A column may stand for several recordings: it shows their mean. */
export interface Column {
  readonly name: string;
  readonly scores: readonly Scores[];
}

export function scoreTable(columns: readonly Column[]): string[] {
  return [
    `| score | goal | ${columns.map(({ name }) => name).join(' | ')} |`,
    `|---|---|${columns.map(() => '---|').join('')}`,
    ...ROWS.map(
      (it) =>
        `| ${it.name} | ${it.goal} | ${columns.map(({ scores }) => cell(it, scores)).join(' | ')} |`,
    ),
  ];
}

/** Where the posts came from, by the kind of event that caused them; sums over the recordings. */
export function kindTable(columns: readonly Column[]): string[] {
  const kinds = new Set(
    columns.flatMap(({ scores }) => scores.flatMap((it) => Object.keys(it.byKind))),
  );
  const sum = (scores: readonly Scores[], kind: string, of: 'events' | 'told' | 'posts'): number =>
    scores.reduce((total, it) => total + (it.byKind[kind]?.[of] ?? 0), 0);
  return [
    `| events: told, posts | ${columns.map(({ name }) => name).join(' | ')} |`,
    `|---|${columns.map(() => '---|').join('')}`,
    ...[...kinds].map((kind) => {
      const cells = columns.map(
        ({ scores }) =>
          `${sum(scores, kind, 'events')}: ${sum(scores, kind, 'told')}, ${sum(scores, kind, 'posts')}`,
      );
      return `| ${kind} | ${cells.join(' | ')} |`;
    }),
  ];
}

function cell({ values, show }: Row, scores: readonly Scores[]): string {
  const all = scores
    .map(values)
    .filter((them): them is number[] => them.every((value) => value !== undefined));
  const [first] = all;
  if (first === undefined) return '-';
  return show(
    first.map((_, i) => all.reduce((total, them) => total + (them[i] ?? 0), 0) / all.length),
  );
}

function pad(value: number): string {
  return String(value).padStart(6);
}
