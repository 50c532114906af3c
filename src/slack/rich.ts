/**
 * Text for Slack, composed once and written twice: as mrkdwn for blocks and as plain text for
 * notifications, logs, the page and replay.
 *
 * Everything a Slack message can do (bold, link, mention, date, emoji) is a piece of its own kind. A
 * string is only ever shown, whoever wrote it: escaping cannot be forgotten, because nothing else is
 * possible.
 */
import type { Instant } from '../model.ts';
import { since } from './words.ts';

export type Piece =
  | string
  | { readonly kind: 'bold'; readonly text: string }
  | { readonly kind: 'time'; readonly at: Instant; readonly now: Instant }
  /** A point in time and how long ago that is, which Slack keeps right while the message stands. */
  | { readonly kind: 'since'; readonly at: Instant; readonly now: Instant }
  | { readonly kind: 'link'; readonly url: string; readonly label: string }
  /** Somebody named, not called: their id in Slack, and the name for where Slack shows none. */
  | { readonly kind: 'person'; readonly id: string; readonly name: string }
  /** Somebody called: `U…`, `S…` (user group), `here`, `channel`. */
  | { readonly kind: 'call'; readonly id: string; readonly name: string }
  | { readonly kind: 'emoji'; readonly name: string };

export type Line = readonly Piece[];

interface SlackText {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** True: Slack makes no links or mentions of its own out of what it reads. */
  readonly verbatim: true;
}
export type SlackBlock =
  | { readonly type: 'section'; readonly text: SlackText }
  | { readonly type: 'context'; readonly elements: readonly SlackText[] };

/** Slack's own limits, with a margin for what it counts differently. */
export const SECTION_MAX = 2_900;
export const BLOCKS_MAX = 45;
const URL_MAX = 1_400;
/** `chat.update` takes 4,000. */
const TEXT_MAX = 3_900;

/** Characters that are not seen but act: controls, direction overrides, lone surrogates. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHORTCODE = /(?<![\p{L}\p{N}]):(?=[a-z0-9_+'-]*[a-z][a-z0-9_+'-]*:)/giu;
const UNDERSCORE_AT_EDGE = /(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** One line, no longer than `max` characters as people count them, with … where something is left out. */
export function cut(text: string, max: number): string {
  const line = text
    .slice(0, max * 8)
    .replace(UNSEEN, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const points = Array.from(line);
  return points.length <= max
    ? line
    : `${points
        .slice(0, max - 1)
        .join('')
        .trimEnd()}…`;
}

/** For mrkdwn: shown as it is, acting as nothing. Look-alikes stand for what Slack cannot escape. */
export function plain(text: string): string {
  return text
    .replace(UNSEEN, ' ')
    .replace(/\*/g, '∗')
    .replace(/~/g, '∼')
    .replace(/`/g, 'ˋ')
    .replace(UNDERSCORE_AT_EDGE, 'ˍ')
    .replace(SHORTCODE, '∶')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}

/** For plain text, where an entity would be seen as such: brackets that cannot act. */
function readable(text: string): string {
  return text.replace(UNSEEN, ' ').replace(/</g, '‹').replace(/>/g, '›');
}

/** A link, when the address is one that leads somewhere over http; undefined otherwise. */
export function link(address: string | undefined, label: string): Piece | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  // A password in a link would be shown to the whole channel.
  url.username = '';
  url.password = '';
  const href = url.href.replace(/[|<>"\s]/g, encodeURIComponent);
  return href.replace(/&/g, '&amp;').length > URL_MAX
    ? undefined
    : { kind: 'link', url: href, label };
}

export function bold(text: string): Piece {
  return { kind: 'bold', text };
}

export function time(at: Instant, now: Instant): Piece {
  return { kind: 'time', at, now };
}

export function sinceThen(at: Instant, now: Instant): Piece {
  return { kind: 'since', at, now };
}

/** Puts `between` between the things that are there. */
export function joined(parts: readonly (Line | undefined)[], between: string): Line {
  const there = parts.filter((part) => part !== undefined && part.length > 0) as readonly Line[];
  return there.flatMap((part, index) => (index === 0 ? part : [between, ...part]));
}

export function toMrkdwn(line: Line): string {
  return line.map(pieceToMrkdwn).join('');
}

export function toPlain(line: Line): string {
  return line.map(pieceToPlain).join('');
}

/** How `&` is sent. */
const ESCAPED = '&amp;';

/** The whole message as plain text; what is too long for a notification ends with …. */
export function toText(lines: readonly Line[]): string {
  const text = lines
    .map((line) => toPlain(line).trimEnd())
    .filter((line) => line !== '')
    .join('\n');
  const points = Array.from(text);
  let length = 0;
  for (const [at, point] of points.entries()) {
    length += point === '&' ? ESCAPED.length : point.length;
    if (length >= TEXT_MAX) return `${points.slice(0, at).join('')}…`;
  }
  return text;
}

/** Lines packed into as few sections as Slack's limit allows. */
export function sections(lines: readonly Line[]): SlackBlock[] {
  const texts: string[] = [];
  for (const line of lines) {
    const text = fit(line);
    if (text.trim() === '') continue;
    const last = texts.at(-1);
    if (last === undefined || last.length + 1 + text.length > SECTION_MAX) texts.push(text);
    else texts[texts.length - 1] = `${last}\n${text}`;
  }
  return texts.map((text) => ({ type: 'section', text: mrkdwn(text) }));
}

/** Small grey print. */
export function context(line: Line): SlackBlock[] {
  const text = fit(line);
  return text.trim() === '' ? [] : [{ type: 'context', elements: [mrkdwn(text)] }];
}

/** Whole pieces only: half an entity or half a link would be garbage. */
function fit(line: Line): string {
  let text = '';
  for (const piece of line) {
    const next = pieceToMrkdwn(piece);
    if (text.length + next.length > SECTION_MAX - 2) return `${text} …`;
    text += next;
  }
  return text;
}

function mrkdwn(text: string): SlackText {
  return { type: 'mrkdwn', text, verbatim: true };
}

function pieceToMrkdwn(piece: Piece): string {
  if (typeof piece === 'string') return plain(piece);
  switch (piece.kind) {
    case 'bold': {
      const text = plain(piece.text).trim();
      return text === '' ? '' : `*${text}*`;
    }
    case 'time':
      return date(piece, '');
    case 'since':
      return date(piece, ' ({ago})');
    case 'link':
      return `<${piece.url.replace(/&/g, '&amp;')}|${plain(piece.label).replace(/\|/g, '¦')}>`;
    case 'person':
      return /^[UW][A-Z0-9]+$/.test(piece.id) ? `<@${piece.id}>` : plain(piece.name);
    case 'call':
      return called(piece.id);
    case 'emoji':
      return emojiName(piece.name) === undefined ? '' : `:${piece.name}:`;
  }
}

function pieceToPlain(piece: Piece): string {
  if (typeof piece === 'string') return readable(piece);
  switch (piece.kind) {
    case 'bold':
      return readable(piece.text);
    case 'time':
      return clock(piece.at, piece.now);
    case 'since':
      return clockAndAge(piece);
    case 'link':
      return `${readable(piece.label)} ${piece.url}`;
    case 'person':
    case 'call':
      return readable(piece.name);
    case 'emoji':
      return emojiName(piece.name) === undefined
        ? ''
        : (EMOJI.get(piece.name) ?? `:${piece.name}:`);
  }
}

interface Moment {
  readonly at: Instant;
  readonly now: Instant;
}

/** As each reader's clock and habits have it; programs that cannot do that show what stands after the bar. */
function date({ at, now }: Moment, age: '' | ' ({ago})'): string {
  const format = `${sameDay(at, now) ? '{time}' : '{date_short} {time}'}${age}`;
  const fallback = age === '' ? clock(at, now) : clockAndAge({ at, now });
  return `<!date^${Math.floor(valid(at) / 1_000)}^${format}|${fallback}>`;
}

function clockAndAge({ at, now }: Moment): string {
  return `${clock(at, now)} (${since(at, now)})`;
}

function called(id: string): string {
  if (id === 'here' || id === 'channel') return `<!${id}>`;
  if (/^[UW][A-Z0-9]+$/.test(id)) return `<@${id}>`;
  return /^S[A-Z0-9]+$/.test(id) ? `<!subteam^${id}>` : '';
}

function emojiName(name: string): string | undefined {
  return /^[a-z0-9_+'-]{1,100}$/.test(name) ? name : undefined;
}

const EMOJI = new Map([
  ['eyes', '👀'],
  ['white_check_mark', '✅'],
  ['heavy_check_mark', '✔️'],
  ['no_bell', '🔕'],
  ['wastebasket', '🗑️'],
]);

const DAY_MS = 86_400_000;
const INSTANT_MAX = 8.64e15;

function valid(at: Instant): number {
  return Number.isFinite(at) ? Math.min(Math.max(at, 0), INSTANT_MAX) : 0;
}

function sameDay(one: Instant, other: Instant): boolean {
  return Math.floor(valid(one) / DAY_MS) === Math.floor(valid(other) / DAY_MS);
}

/** `02:41 UTC`, with the day when that is another one: `20 Nov 23:58 UTC`. */
function clock(at: Instant, now: Instant): string {
  const [, weekday, day, month, , timeOfDay] =
    /^(\w+), (\d+) (\w+) (\d+) (\d+:\d+)/.exec(new Date(valid(at)).toUTCString()) ?? [];
  const hours = `${timeOfDay ?? '??:??'} UTC`;
  return weekday === undefined || sameDay(at, now) ? hours : `${day} ${month} ${hours}`;
}
