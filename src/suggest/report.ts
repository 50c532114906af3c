/**
 * The noise report: what costs attention without being worth it, and what only time would tell. The
 * same figures that suggestions stand on, as lists to talk about. Pure.
 */
import { figure, minute } from '../rehearse/words.ts';
import { duration } from '../rules/duration.ts';
import { cut } from '../slack/rich.ts';
import { count, list } from '../slack/words.ts';
import { quantile } from './survival.ts';
import type { Kind, Survey } from './survey.ts';

/** One line of a list: what it is of, and its figures by name. */
interface ReportLine {
  readonly alert: string;
  readonly services: readonly string[];
  readonly messages: number;
  readonly firings: number;
  readonly acknowledged: number;
  readonly marked: number;
  readonly damped: number;
  /** Undefined: fewer than half were seen to end. */
  readonly halfOverAfterMs: number | undefined;
  readonly firingShare: number;
}

interface NoiseReport {
  readonly from: string;
  readonly to: string;
  readonly firings: number;
  readonly messages: number;
  readonly acknowledged: number;
  readonly marked: number;
  readonly notActionable: readonly ReportLine[];
  readonly topTalkers: readonly ReportLine[];
  readonly neverAcknowledged: readonly ReportLine[];
  readonly chronic: readonly ReportLine[];
  readonly withoutRunbook: readonly ReportLine[];
  /** Single alerts. */
  readonly flapping: readonly {
    readonly alert: string;
    readonly service: string;
    readonly environment: string;
    readonly firings: number;
  }[];
  readonly unknownServices: readonly { readonly name: string; readonly firings: number }[];
}

const LINES_MAX = 50;
const MESSAGES_MIN = 3;
const CHRONIC_SHARE = 0.5;
/** Of less than a day nobody knows what fires most of the time. */
const CHRONIC_SPAN_MS = 24 * 60 * 60_000;

export function noiseReport(survey: Survey): NoiseReport {
  const { kinds, kindsByService, unknown } = survey;
  const lines = (chosen: readonly Kind[], by: (kind: Kind) => number): readonly ReportLine[] =>
    [...chosen]
      .sort((one, other) => by(other) - by(one))
      .slice(0, LINES_MAX)
      .map(lineOf);
  const told = (kind: Kind): number => kind.messages;
  return {
    from: new Date(survey.from).toISOString(),
    to: new Date(survey.to).toISOString(),
    firings: survey.firings.length,
    messages: survey.messages,
    acknowledged: survey.acknowledged,
    marked: survey.marked,
    notActionable: lines(
      kinds.filter(({ marked }) => marked > 0),
      ({ marked }) => marked,
    ),
    topTalkers: lines(
      kinds.filter(({ messages }) => messages > 0),
      told,
    ),
    neverAcknowledged: lines(
      kinds.filter(({ messages, acknowledged }) => messages >= MESSAGES_MIN && acknowledged === 0),
      told,
    ),
    chronic: lines(
      survey.to - survey.from < CHRONIC_SPAN_MS
        ? []
        : kindsByService.filter(({ firingShare }) => firingShare >= CHRONIC_SHARE),
      ({ firingShare }) => firingShare,
    ),
    withoutRunbook: lines(withoutRunbook(kinds), told),
    flapping: survey.flapping.map(({ firing: { facts }, times }) => ({
      alert: facts.name,
      service: facts.service,
      environment: facts.environment,
      firings: times,
    })),
    unknownServices: [...unknown]
      .sort(([, one], [, other]) => other - one)
      .slice(0, LINES_MAX)
      .map(([name, firings]) => ({ name, firings })),
  };
}

/** Kinds that were told by themselves, with those of their services that have no runbook. */
export function withoutRunbook(kinds: readonly Kind[]): readonly Kind[] {
  return kinds
    .filter((kind) => kind.messages > 0 && kind.withoutRunbook.size > 0)
    .map((kind) => ({ ...kind, services: kind.withoutRunbook }));
}

function lineOf(kind: Kind): ReportLine {
  const { name, services, messages, firings, acknowledged, marked, damped, survival } = kind;
  const byFirings = [...services].sort(([, one], [, other]) => other - one);
  return {
    alert: name,
    services: byFirings.map(([service]) => service),
    messages,
    firings: firings.length,
    acknowledged,
    marked,
    damped,
    halfOverAfterMs: quantile(survival, 0.5),
    firingShare: kind.firingShare,
  };
}

// --- in words -----------------------------------------------------------------------------------

const SHOWN = 10;
const SERVICES_SHOWN = 3;
/** One long name would make every line as long. */
const NAME_MAX = 60;

export function renderReport(report: NoiseReport, history: string): string {
  const { firings, messages, acknowledged, marked } = report;
  const span = `${minute(Date.parse(report.from))} to ${minute(Date.parse(report.to))} UTC`;
  const reactions = `${figure(acknowledged)} acknowledged, ${figure(marked)} marked 🗑️`;
  return [
    `${span}, ${history}:\n${count(firings, 'firing')}, ${count(messages, 'message')} as the rules are now; ${reactions}.`,
    ...part('Marked 🗑️ by people', report.notActionable, markedLine),
    ...part('Most messages', report.topTalkers, toldLine),
    ...part(
      'Told, and never acknowledged',
      acknowledged === 0 ? [] : report.neverAcknowledged,
      toldLine,
    ),
    ...part('Firing most of the time', report.chronic, chronicLine),
    ...part('Fire and end again and again', report.flapping, (one) => [
      `${one.alert} of ${one.service}`,
      `${count(one.firings, 'firing')} in ${one.environment}`,
    ]),
    ...part('Told without a runbook', report.withoutRunbook, toldLine),
    ...part('Services that the catalog lacks', report.unknownServices, ({ name, firings: own }) => [
      cut(name, NAME_MAX),
      count(own, 'firing'),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}

function part<T>(
  title: string,
  lines: readonly T[],
  say: (line: T) => readonly [what: string, figures: string],
): readonly string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, SHOWN).map(say);
  const width = Math.max(...shown.map(([what]) => what.length));
  const more = lines.length - shown.length;
  return [
    [
      `${title}:`,
      ...shown.map(([what, figures]) => `  ${what.padEnd(width)}  ${figures}`),
      ...(more > 0 ? [`  and ${figure(more)} more`] : []),
    ].join('\n'),
  ];
}

function nameOf({ alert, services }: ReportLine): string {
  const names = services.map((name) => cut(name, NAME_MAX));
  return `${alert} of ${list(names, SERVICES_SHOWN)}`;
}

function markedLine(line: ReportLine): readonly [string, string] {
  return [nameOf(line), `${figure(line.marked)} of ${count(line.messages, 'message')}`];
}

function toldLine(line: ReportLine): readonly [string, string] {
  const { messages, firings, halfOverAfterMs } = line;
  const half =
    halfOverAfterMs === undefined ? '' : `, half over after ${duration(halfOverAfterMs)}`;
  return [nameOf(line), `${count(messages, 'message')}, ${count(firings, 'firing')}${half}`];
}

function chronicLine(line: ReportLine): readonly [string, string] {
  const share = `${Math.round(line.firingShare * 100)} % of the time`;
  return [nameOf(line), `${share}, ${count(line.messages, 'message')} of its own`];
}
