/**
 * The story of an alert as text for a terminal, and the times that people type. Pure.
 */
import { readLooseTime } from '../ingest/loose.ts';
import { parseDuration } from '../rules/duration.ts';
import type { AlertDetail, IncidentDetail } from '../web/details.ts';
import type { Span } from './explain-source.ts';

const INDENT = 10;
const WIDTH_MIN = 50;
const LABELS_SHOWN = 20;

/** Times are those of the reader's own clock; a new day begins with its date. */
export function renderStory(story: AlertDetail, width: number, span: Span = {}): string {
  const { alert, decisions } = story;
  const lines: string[] = [safe(`${story.name ?? 'alert'}  (${story.fingerprint})`)];
  if (alert !== null) {
    const labels = Object.entries(alert.labels).slice(0, LABELS_SHOWN);
    const text = labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ');
    lines.push(...wrap(text, width, 2));
  }
  lines.push('');
  if (!story.complete) lines.push('(there is more before this)');
  let day = '';
  for (const { at, text } of decisions) {
    const moment = new Date(at);
    const itsDay = dayOf(moment);
    if (itsDay !== day) lines.push(itsDay);
    day = itsDay;
    const [first = '', ...rest] = wrap(text, width, INDENT);
    lines.push(`${timeOf(moment)}  ${first.trimStart()}`, ...rest);
  }
  if (decisions.length === 0) lines.push(nothingIn(span));
  lines.push('', ...story.summary.flatMap((sentence) => wrap(sentence, width, 0)));
  lines.push(...rulesOf(story));
  return `${lines.join('\n').trimEnd()}\n`;
}

/** All that was decided about it; each line of an alert names its service. */
export function renderIncident(incident: IncidentDetail, width: number): string {
  const { id, title, state, toldBecause, channel, complete } = incident;
  const decisions = incident.decisions.map((decision) =>
    decision.fingerprint === null || decision.service === null
      ? decision
      : { ...decision, text: `${decision.service}: ${decision.text}` },
  );
  const told =
    toldBecause === null ? 'Nobody was told of it.' : `It was told because ${toldBecause}.`;
  const where = channel === null ? [] : [`Its channel is ${channel}.`];
  const summary = [`It is ${state}.`, told, ...where];
  const story = { fingerprint: `incident ${id}`, name: title, alert: null, summary };
  return renderStory({ ...story, decisions, complete }, width);
}

/** Which rules decided: there may have been others in between. */
function rulesOf({ decisions }: AlertDetail): readonly string[] {
  const versions = [...new Set(decisions.map(({ rules }) => rules))];
  return versions.length === 0 ? [] : ['', `Decided by rules ${versions.join(', then ')}.`];
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
