/**
 * Scores as text: one list for the terminal, one table for RESULTS.md, each beside its goal.
 */
import type { Delay, Scores } from './score.ts';

interface Row {
  readonly name: string;
  readonly goal: string;
  readonly of: (scores: Scores) => string;
}

const ROWS: readonly Row[] = [
  { name: 'firings; posts', goal: '', of: (it) => `${it.firings}; ${it.posts}` },
  { name: 'noise reduction', goal: '99.4 %', of: (it) => percent(it.noiseReduction, 2) },
  { name: 'noise reduction in a storm', goal: '99.9 %', of: (it) => percent(it.stormReduction, 2) },
  {
    name: 'recall of actionable incidents',
    goal: '100 %',
    of: (it) => `${percent(it.recall)} of ${it.actionable}`,
  },
  { name: '... told at least in a thread', goal: '', of: (it) => percent(it.toldAtAll) },
  {
    name: 'short critical ones missed',
    goal: '0',
    of: ({ shortCritical: it }) => `${it.missed} of ${it.events}`,
  },
  { name: 'precision of posts', goal: '95 %', of: (it) => percent(it.precision) },
  { name: 'useful posts', goal: '90 %', of: (it) => percent(it.useful) },
  {
    name: 'posts per actionable incident',
    goal: '≤ 1.05',
    of: (it) => it.postsPerIncident.toFixed(2),
  },
  { name: 'posts that mix two incidents', goal: '< 1 %', of: (it) => percent(it.wrongMerges) },
  { name: 'pairwise F1', goal: '0.95', of: (it) => it.pairs.f1.toFixed(3) },
  { name: 'root cause top-1', goal: '90 %', of: (it) => percent(it.rootTop1) },
  { name: '... in the first post', goal: '', of: (it) => percent(it.rootTop1AtPost) },
  { name: 'root cause top-3', goal: '98 %', of: (it) => percent(it.rootTop3) },
  {
    name: 'delay, critical: p50, p95',
    goal: 'p95 < 15 s',
    of: (it) => delay(it.delaySeconds.urgent),
  },
  {
    name: '... since its first critical alert',
    goal: '',
    of: (it) => delay(it.delaySeconds.urgentSinceCritical),
  },
  { name: 'delay, other: p50, p95', goal: 'p95 < 120 s', of: (it) => delay(it.delaySeconds.other) },
  {
    name: 'updates; replies per incident',
    goal: '',
    of: (it) => `${it.updatesPerIncident.toFixed(1)}; ${it.repliesPerIncident.toFixed(1)}`,
  },
];

export function scoreLines(scores: Scores): string[] {
  const lines = ROWS.map((row) => `${row.name.padEnd(38)}${row.of(scores).padEnd(22)}${row.goal}`);
  lines.push('', 'kind                    events  told  posts');
  for (const [kind, it] of Object.entries(scores.byKind)) {
    lines.push(`${kind.padEnd(24)}${pad(it.events)}${pad(it.told)}${pad(it.posts)}`);
  }
  if (scores.missed.length > 0) lines.push('', `missed: ${scores.missed.join(' ')}`);
  if (scores.unmatched > 0)
    lines.push(`alerts in messages that the truth does not know: ${scores.unmatched}`);
  return lines;
}

export function scoreTable(
  columns: readonly { readonly name: string; readonly scores: Scores }[],
): string[] {
  return [
    `| score | goal | ${columns.map(({ name }) => name).join(' | ')} |`,
    `|---|---|${columns.map(() => '---|').join('')}`,
    ...ROWS.map(
      (row) =>
        `| ${row.name} | ${row.goal} | ${columns.map(({ scores }) => row.of(scores)).join(' | ')} |`,
    ),
  ];
}

function percent(value: number | undefined, digits = 1): string {
  return value === undefined ? '-' : `${(value * 100).toFixed(digits)} %`;
}

function delay({ n, p50, p95 }: Delay): string {
  return n === 0 ? '-' : `${p50.toFixed(0)} s, ${p95.toFixed(0)} s`;
}

function pad(value: number): string {
  return String(value).padStart(6);
}
