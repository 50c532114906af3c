/**
 * What Quell says in Slack: an incident's message, lines in its thread, a digest. Pure.
 *
 * `text` is the whole message for whoever sees no blocks (a phone's notification, the log, the page,
 * replay); its first line alone says what, how bad, where and since when. Words are built from
 * `rich.ts`, so nothing that an alert says can act.
 */
import type { DigestEffect, DigestLine, People, Reply } from '../model.ts';
import { duration } from '../rules/duration.ts';
import type { MessageView } from '../view.ts';
import { details } from './details.ts';
import { why } from './links.ts';
import { headline, headlineLine, headlineLines, isBeat, sentence } from './headline.ts';
import {
  BLOCKS_MAX,
  bold,
  context,
  cut,
  joined,
  type Line,
  type Piece,
  SECTION_MAX,
  type SlackBlock,
  sections,
  time,
  toMrkdwn,
  toText,
} from './rich.ts';
import { call, person } from './who.ts';
import { ASKABLE, count, DOTS, spelledOut, isOwnName, list, severityWord, times } from './words.ts';

export type { SlackBlock } from './rich.ts';

export interface RenderedMessage {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

const NAME_MAX = 60;
const MINUTE_MS = 60_000;
const MATCHER_MAX = 200;
const WHY_MAX = 200;
const DIGEST_LINES_MAX = 40;

export function renderMessage(view: MessageView): RenderedMessage {
  const head = headline(view);
  const { facts, advice, links, people, small } = details(view);
  const opened = links.map((piece): Line => ['▸ ', piece]);
  const blocks = [
    ...sections(headlineLines(head)),
    ...sections(facts.map(({ title, line }) => [bold(title), '  ', ...line])),
    ...sections(toDo([bold('Do this')], [...advice, ...inRows(opened)])),
    ...sections(people),
    ...small.flatMap(context),
  ];
  const text = toText([
    headlineLine(head),
    ...facts.map(({ title, line }): Line => [`${title}: `, ...line]),
    ...toDo(['Do this:'], [...advice, ...opened]),
    ...people,
    ...small,
  ]);
  return { text, blocks: blocks.slice(0, BLOCKS_MAX) };
}

function toDo(title: Line, lines: readonly Line[]): readonly Line[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

/** Links side by side, as many as a section surely takes. */
function inRows(opened: readonly Line[]): Line[] {
  const short = opened.reduce((sum, line) => sum + toMrkdwn(line).length, 0) < SECTION_MAX / 2;
  return short && opened.length > 0 ? [joined(opened, '   ')] : [...opened];
}

/** A line in the thread: it pings, so it says by itself what it is about. */
export function renderReply(
  reply: Reply,
  view: MessageView,
  people: People = view.people,
): RenderedMessage {
  const line = [...replyLine(reply, { ...view, people }), ...whereItStands(reply, view)];
  return { text: toText([line]), blocks: sections([line]) };
}

/** Of a line in another channel. */
function whereItStands(reply: Reply, view: MessageView): Line {
  const there = 'there' in reply ? reply.there : undefined;
  if (there === undefined) return [];
  const links = why(view).flatMap((line) => [' · ', ...line]);
  const place = cut(there.messageIn, NAME_MAX);
  return [` · its message is in ${place}, and reactions here count for it`, ...links];
}

function replyLine(reply: Reply, view: MessageView): Line {
  const about = sentence(view);
  switch (reply.kind) {
    case 'severity-rose':
      return [
        `${DOTS[reply.to]} `,
        bold(`Now ${severityWord(reply.to)}, was ${severityWord(reply.from)}`),
        `: ${beside(reply.service, about)}`,
        ...calls(reply.mention, view.people),
      ];
    case 'service-joined':
      return [
        '➕ ',
        bold(`Now hit too: ${joinedNames(reply.services)}`),
        ` · ${about}`,
        ...calls(reply.mention, view.people),
      ];
    case 'refired':
      return [
        '🔁 ',
        bold(isBeat(view) ? 'Silent again' : `Fires again: ${joinedNames([reply.service])}`),
        ` (re-opened ${times(reply.times)}) · ${about}`,
        ...calls(reply.mention, view.people),
      ];
    case 'escalated':
      return [
        '📣 ',
        bold(`Nobody is on it after ${duration(reply.afterMs)}`),
        `: ${about}`,
        ...calls(reply.mention, view.people),
      ];
    case 'silence-over':
      return [
        ...quietIsOver(reply.user, view),
        `: ${stillFiring(reply.firing)} · ${about}`,
        ...calls(reply.mention, view.people),
      ];
    case 'not-solved':
      return [
        '⚠️ ',
        bold('Not solved yet'),
        `: ${count(reply.firing, 'alert')} still firing, although `,
        person(reply.user, view.people),
        ` marked it solved · ${about}`,
      ];
    case 'beside':
      return [
        `${DOTS[reply.severity]} `,
        bold(
          `${view.special === 'storm' ? 'In it' : 'Beside it'}: ${joinedNames([reply.service])}`,
        ),
        isOwnName(reply.name, reply.service) ? '' : `: ${kind(reply.name)}`,
        ` · ${severityWord(reply.severity)} · incident ${cut(reply.incident, NAME_MAX)} · ${about}`,
        ...calls(reply.mention, view.people),
      ];
    default:
      return answer(reply, view);
  }
}

type Answer = Extract<
  Reply,
  { kind: 'silenced' | 'unsilenced' | 'split' | 'not-split' | 'not-unsplit' | 'misunderstood' }
>;

/** To what somebody asked for in the thread. */
function answer(reply: Answer, view: MessageView): Line {
  switch (reply.kind) {
    case 'silenced':
      return [
        '🔕 ',
        bold('Silenced'),
        ' by ',
        person(reply.user, view.people),
        ' until ',
        time(reply.until, view.now),
        ` (${duration(Math.ceil((reply.until - view.now) / MINUTE_MS) * MINUTE_MS)}): ${reply.matchers.map((text) => cut(text, MATCHER_MAX)).join(', ')}`,
        ` · ${silencedNow(reply)} · to end it earlier, mention me with `,
        bold('unsilence'),
      ];
    case 'unsilenced':
      return unsilenced(reply, view);
    case 'split':
      return [
        '✂️ ',
        bold(`Split off: ${joinedNames(reply.services)}`),
        ' by ',
        person(reply.user, view.people),
        `, told as ${reply.incident} and kept apart from ${joinedNames([reply.from])} for 30 days · what belongs together after all: mention me there with `,
        bold('unsplit'),
      ];
    case 'not-split':
      if (reply.tooLarge === true) return tooLarge(reply, view);
      if (reply.services.length < 2) {
        const fires =
          reply.services.length === 0 ? 'nothing' : `only ${joinedNames(reply.services)}`;
        return [
          person(reply.user, view.people),
          `, ${fires} fires here: there is nothing to split`,
        ];
      }
      return [
        person(reply.user, view.people),
        ', name services to split off, of those that fire here, and leave at least one: ',
        joinedNames(reply.services),
      ];
    case 'not-unsplit':
      if (reply.tooLarge === true) return tooLarge(reply, view);
      return reply.services.length === 0
        ? [person(reply.user, view.people), ', nothing was split from this incident']
        : ['✂️ ', bold(`No longer kept apart from ${joinedNames(reply.services)}`)];
    case 'misunderstood':
      return [
        person(reply.user, view.people),
        reply.why === undefined ? understood(reply.text) : `, ${cut(reply.why, WHY_MAX)}`,
      ];
  }
}

function understood(text: string): string {
  const not = text.trim() === '' ? '' : `, not “${cut(text, 80)}”`;
  return `, I understand ${ASKABLE}${not}`;
}

function tooLarge({ user }: Extract<Reply, { tooLarge?: true }>, view: MessageView): Line {
  return [person(user, view.people), ', it stays as it is: too many alerts would have to move'];
}

/** A silence of nothing, or of everything, is likely not what was meant. */
function silencedNow({ alerts, firing }: Extract<Reply, { kind: 'silenced' }>): string {
  if (alerts === 0) return 'no alert that fires now';
  return alerts === firing && firing > 1
    ? `all ${count(alerts, 'alert')} that fire now`
    : count(alerts, 'alert');
}

function unsilenced(
  { silences, user }: Extract<Reply, { kind: 'unsilenced' }>,
  { people }: MessageView,
): Line {
  if (silences === 0) return ['🔔 Nothing silences this incident as a whole.'];
  return ['🔔 ', bold('No longer silenced'), ', says ', person(user, people)];
}

function quietIsOver(user: string | undefined, { people }: MessageView): Line {
  if (user === undefined) return ['🔔 ', bold('The silence is over')];
  return ['🔔 ', bold('The quiet is over'), ', ', person(user, people)];
}

/** What it is about, with the service unless that is named there. */
function beside(service: string, about: string): string {
  const name = joinedNames([service]);
  return about.split(/[^\p{L}\p{N}._-]+/u).includes(name) ? about : `${name} · ${about}`;
}

function stillFiring(firing: number): string {
  return `${count(firing, 'alert')} still ${firing === 1 ? 'fires' : 'fire'}`;
}

function kind(name: string): string {
  return cut(spelledOut(name), 100) || 'an alert without a name';
}

function joinedNames(names: readonly string[]): string {
  const known = names.map((name) => cut(name, NAME_MAX)).filter((name) => name !== '');
  return list(known, 6) || 'a service without a name';
}

function calls(ids: readonly string[] = [], people: People): Piece[] {
  if (ids.length === 0) return [];
  const each = ids.slice(0, 10).map((id): Line => [call(id, people)]);
  return [' · ', ...joined(each, ', '), ': please take it'];
}

/** All that was worth telling, but not at once: the worst first, one line for each kind of incident. */
export function renderDigest(effect: DigestEffect): RenderedMessage {
  const total = effect.lines.reduce((sum, line) => sum + line.incidents, 0);
  const alerts = effect.lines.reduce((sum, line) => sum + line.alerts, 0);
  const title = `Digest: ${count(total, 'incident')}, ${count(alerts, 'alert')}`;
  const period: Line = [
    ' from ',
    time(effect.from, effect.at),
    ' to ',
    time(effect.at, effect.at),
    ` (${duration(effect.at - effect.from)})`,
  ];
  const shown = effect.lines.slice(0, DIGEST_LINES_MAX).map(digestLine);
  const left = effect.lines.length - shown.length;
  const lines = left > 0 ? [...shown, [`… and ${count(left, 'more line')}`]] : shown;
  const small = effect.lines.some(({ why }) => why !== undefined) ? [UNDO_CHRONIC] : [];
  const blocks = [
    ...sections([['🗞️  ', bold(title), ...period], ...lines]),
    ...small.flatMap(context),
  ];
  return {
    text: toText([[`🗞️ ${title}`, ...period], ...lines, ...small]),
    blocks: blocks.slice(0, BLOCKS_MAX),
  };
}

/** Nobody reads the rules to find out why there was no message. */
const UNDO_CHRONIC: Line = [
  'What is chronic is a message again for 30 days when you react to its last one with anything but 🗑️, and always with ',
  bold('chronic: [{ off: true }]'),
  ' in the rules.',
];

function digestLine(line: DigestLine): Line {
  const where = cut(line.environment, NAME_MAX);
  return [
    `${DOTS[line.severity]} `,
    bold(cut(line.service, NAME_MAX) || kind(line.name)),
    isOwnName(line.name, line.service) ? '' : `: ${kind(line.name)}`,
    ` · ${count(line.incidents, 'incident')}, ${count(line.alerts, 'alert')}`,
    where === '' ? '' : ` · ${where}`,
    ` · ${line.firing ? `${whoStill(line)}still firing` : 'over'}`,
    line.why === undefined ? '' : ` · ${line.why}`,
  ];
}

/** Nobody, when it is only the service that the line is about. */
function whoStill({ service, still }: DigestLine): string {
  if (still === undefined || (still.of === 1 && still.services[0] === service)) return '';
  const names = still.services.map((name) => cut(name, NAME_MAX) || 'a service without a name');
  return `${list(names, names.length, still.of)} `;
}
