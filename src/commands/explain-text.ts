/**
 * The story of an alert as text for a terminal, and the times that people type. Pure.
 */
import { fold } from '../explain/fold.ts';
import { readLooseTime } from '../ingest/loose.ts';
import { parseDuration } from '../rules/duration.ts';
import { hashOf } from '../rules/rules.ts';
import type { AlertDetail, IncidentDetail } from '../web/details.ts';

/** Undefined: no bound. */
interface Span {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

const INDENT = 10;
const WIDTH_MIN = 50;
const LABELS_SHOWN = 20;
const EVER: Span = { from: undefined, to: undefined };

/** An alert, or an incident. */
export type Told = Pick<
  AlertDetail,
  | 'fingerprint'
  | 'name'
  | 'alert'
  | 'summary'
  | 'chain'
  | 'otherwise'
  | 'rulesNow'
  | 'decisions'
  | 'complete'
>;

/** Times are those of the reader's own clock; a new day begins with its date. */
export function renderStory(
  story: Told & { readonly note?: string | null },
  width: number,
  span: Span = EVER,
): string {
  const { alert, chain } = story;
  const lines: string[] = [safe(`${story.name ?? 'alert'}  (${story.fingerprint})`)];
  if (alert !== null) {
    const labels = Object.entries(alert.labels).slice(0, LABELS_SHOWN);
    const text = labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ');
    lines.push(...wrap(text, width, 2));
  }
  lines.push('');
  if (typeof story.note === 'string') lines.push(...wrap(story.note, width, 0), '');
  if (!story.complete) lines.push('(there is more before this)');
  let day = '';
  for (const { at, text } of chain) {
    const moment = new Date(at);
    const itsDay = dayOf(moment);
    if (itsDay !== day) lines.push(itsDay);
    day = itsDay;
    const [first = '', ...rest] = wrap(text, width, INDENT);
    lines.push(`${timeOf(moment)}  ${first.trimStart()}`, ...rest);
  }
  if (chain.length === 0) lines.push(nothingIn(span));
  lines.push('', ...story.summary.flatMap((sentence) => wrap(sentence, width, 0)));
  lines.push(...otherwiseOf(story, width), ...rulesOf(story));
  return `${lines.join('\n').trimEnd()}\n`;
}

/** All that was decided about it; each line of an alert names its service. */
export function renderIncident(incident: IncidentDetail, width: number): string {
  const { id, title } = incident;
  const chain = incident.chain.map((step) =>
    step.fingerprint === null || step.service === null
      ? step
      : { ...step, text: `${step.service}: ${step.text}` },
  );
  const { shown, folded } = fold(chain);
  const told = {
    ...incident,
    fingerprint: `incident ${id}`,
    name: title,
    alert: null,
    chain: shown,
    summary: [...countsOf(folded), ...incident.summary],
  };
  return renderStory(told, width);
}

const FOLDED_WORDS = {
  joined: 'joined',
  resolved: 'were resolved',
  expired: 'were taken as resolved',
} as const;

/** In the order in which the first of each came. */
function countsOf(folded: ReturnType<typeof fold>['folded']): readonly string[] {
  if (folded.size === 0) return [];
  const left = [...folded].map(
    ([reason, steps]) => `${steps.length} more of its alerts ${FOLDED_WORDS[reason]}`,
  );
  return [`(${left.join(', ')}: of services above; --json has them all.)`];
}

function otherwiseOf({ otherwise }: Told, width: number): readonly string[] {
  if (otherwise.length === 0) return [];
  const lines = otherwise.flatMap(({ text, changes }) => {
    const together = changes.length > 1 ? ['  All of these together:'] : [];
    const steps = changes.flatMap(({ how }) => bullet(how, width));
    return [...wrap(text, width, 0), ...together, ...steps];
  });
  return ['', 'What would have to be different', ...lines];
}

/** An entry for a list stands on a line of its own, whole, to be copied. */
function bullet(text: string, width: number): readonly string[] {
  const lines = text.split(/ ?`(- \{[^`]*\})`[,.]? ?/).flatMap((part, index) => {
    if (part === '') return [];
    return index % 2 === 1 ? [`        ${safe(part)}`] : wrap(part, width, 4);
  });
  const [first = '', ...rest] = lines;
  return [`  - ${first.trimStart()}`, ...rest];
}

/** Which rules decided: there may have been others in between, and others may be in force now. */
function rulesOf({ decisions, otherwise, rulesNow }: Told): readonly string[] {
  // The same files under another commit are the same rules.
  const versions = [...new Map(decisions.map(({ rules }) => [hashOf(rules), rules])).values()];
  if (versions.length === 0) return [];
  const decided = `Decided by rules ${versions.join(', then ')}.`;
  if (hashOf(versions.at(-1) ?? '') === hashOf(rulesNow)) return ['', decided];
  const about = otherwise.length === 0 ? '' : ', which the changes above are about';
  return ['', decided, `Now in force are rules ${rulesNow}${about}.`];
}

function nothingIn({ from, to }: Span): string {
  const utc = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  if (from === undefined || to === undefined) return 'Nothing is recorded of it.';
  return `Nothing is recorded of it from ${utc(from)} to ${utc(to)}.`;
}

function dayOf(moment: Date): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [year, month, day] = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()];
  return `${year}-${two(month)}-${two(day)} (${zone})`;
}

function timeOf(moment: Date): string {
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(':');
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** Words longer than a line stay whole. */
function wrap(text: string, width: number, indent: number): readonly string[] {
  const room = Math.max(WIDTH_MIN, width) - indent;
  const lines: string[] = [];
  let line = '';
  for (const word of safe(text).split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => ' '.repeat(indent) + one);
}

/** What an alert says must not steer the terminal. */
function safe(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

const DAY_MS = 86_400_000;

/** `02:43` is the last time it was 02:43 here; `10 min ago`. */
export function readMoment(text: string, now: number): number | 'odd' {
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (clock !== null) {
    const at = local(new Date(now), clock);
    if (at === undefined) return 'odd';
    return at > now ? at - DAY_MS : at;
  }
  const dated = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (dated !== null) {
    const [, year, month, day, ...time] = dated;
    return local(new Date(Number(year), Number(month) - 1, Number(day)), ['', ...time]) ?? 'odd';
  }
  const ago = /^(\d{1,9})\s*(s|m|h|d|w)[a-z]*\s+ago$/i.exec(text.trim());
  if (ago !== null) {
    const passed = parseDuration(`${ago[1]}${ago[2]?.toLowerCase()}`);
    return passed.kind === 'duration' ? now - passed.ms : 'odd';
  }
  const at = readLooseTime(text);
  return at === 'unset' ? 'odd' : at;
}

function local(day: Date, [, hour, minute, second = '0']: readonly (string | undefined)[]) {
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  if (!(hours <= 23 && minutes <= 59 && seconds <= 59)) return undefined;
  return new Date(
    day.getFullYear(),
    day.getMonth(),
    day.getDate(),
    hours,
    minutes,
    seconds,
  ).getTime();
}
