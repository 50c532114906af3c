/**
 * What people ask for in the thread of a message: `@Quell silence 2h deploying`, `@Quell unsilence`,
 * `@Quell split payments`, `@Quell unsplit`.
 */
import { hash } from 'node:crypto';
import type { Event, Incident, Silence, SilenceMatcher } from '../model.ts';
import { parseDuration, spelledShort } from '../rules/duration.ts';
import { requestKey } from '../state/reactions.ts';
import { alertsOf, incidentAt } from '../state/state.ts';
import { change, note, type Turn } from '../state/turn.ts';
import { learnLate } from './chronic.ts';
import { orderReply } from './reply.ts';
import { split, unsplit } from './part.ts';
import { countMatches, endSilence, isCovered, matchersInWords, setSilence } from './silences.ts';
import { isInForce } from './mute.ts';

type Request = Extract<Event, { kind: 'request' }>;

/** Values that one matcher lists: an incident with more services is better silenced by hand. */
const VALUES_MAX = 50;
const COMMENT_MAX = 500;

export function request(turn: Turn, asked: Request): void {
  const found = incidentAt(turn.state, asked.on);
  if (found === undefined) {
    const because = `${asked.user} asked for something where no message of ours stands`;
    return note(turn, 'ignored', { because });
  }
  const key = requestKey(asked.user);
  if ((found.reactions[key]?.orderedAt ?? 0) >= asked.orderedAt) {
    return note(turn, 'ignored', { incident: found.id, because: 'the same request again' });
  }
  const remembered = { ...found.reactions, [key]: { added: true, orderedAt: asked.orderedAt } };
  const incident = change(turn, found, { reactions: remembered });
  learnLate(turn, incident);
  const [, word = '', rest = ''] = /^\s*(\S*)\s*([\s\S]*)$/.exec(asked.text) ?? [];
  switch (word.toLowerCase()) {
    case 'silence':
    case 'mute':
      return silence(turn, incident, asked, rest);
    case 'unsilence':
    case 'unmute':
      return unsilence(turn, incident, asked);
    case 'split':
      return split(turn, incident, asked.user, rest);
    case 'unsplit':
      return unsplit(turn, incident, asked.user);
    default:
      return misunderstood(turn, incident, asked);
  }
}

function silence(turn: Turn, incident: Incident, asked: Request, rest: string): void {
  const { duration, comment } = readSilence(rest);
  const lasts = parseDuration(duration);
  if (lasts.kind === 'refused' || lasts.ms <= 0) {
    const wrong = lasts.kind === 'refused' && duration !== '' ? `${lasts.message}, as` : 'say';
    const why = `${wrong} in “silence 2h why it may be quiet”`;
    return misunderstood(turn, incident, asked, why);
  }
  const matchers = matchersOf(turn, incident);
  if (typeof matchers === 'string') return misunderstood(turn, incident, asked, matchers);
  const set: Silence = {
    id: uuidOf(`${incident.id} ${asked.user} ${asked.orderedAt}`),
    matchers,
    startsAt: turn.now,
    endsAt: turn.now + lasts.ms,
    createdBy: asked.user,
    comment: comment.slice(0, COMMENT_MAX) || `asked for in the thread of ${incident.id}`,
  };
  const { matched, firing } = countMatches(turn, set);
  orderReply(turn, incident, {
    kind: 'silenced',
    user: asked.user,
    until: set.endsAt,
    matchers: matchersInWords(set),
    alerts: matched,
    firing,
  });
  setSilence(turn, set);
}

/** `2h the disk`, and what people write on a phone: `for 2 hours: the disk`. */
function readSilence(text: string): { readonly duration: string; readonly comment: string } {
  const words = text.trim().replace(/^for\s+/i, '');
  const [, number = '', unit = '', after = ''] =
    /^(\d{1,9})\s*([a-z]+)[,:;]?(?:\s+([\s\S]*))?$/i.exec(words) ?? [];
  const short = spelledShort(`${number}${unit}`);
  if (short !== undefined) return { duration: short, comment: after.trim() };
  const [, duration = '', comment = ''] = /^(\S*)\s*([\s\S]*)$/.exec(words) ?? [];
  return { duration, comment: comment.trim() };
}

function unsilence(turn: Turn, incident: Incident, asked: Request): void {
  const { state, now } = turn;
  const about = [...state.silences.values()].filter(
    ({ silence: one }) => isInForce(one, now) && isCovered(turn, incident, one),
  );
  const answered = { kind: 'unsilenced', user: asked.user, silences: about.length } as const;
  orderReply(turn, incident, answered);
  for (const { silence: one } of about) endSilence(turn, one.id, asked.user);
}

/** `why`: what is wrong with what was understood. */
function misunderstood(turn: Turn, incident: Incident, { user, text }: Request, why?: string) {
  note(turn, 'ignored', { incident: incident.id, because: `${user} said: ${text}` });
  orderReply(turn, incident, { kind: 'misunderstood', user, text, why });
}

const BY_HAND = 'set a silence with matchers of your own, with amtool, Karma or Grafana';

/**
 * Matchers for what fires in the incident: its services and kinds of alert, in its environment. A text says why
 * there are none.
 */
function matchersOf({ state }: Turn, incident: Incident): readonly SilenceMatcher[] | string {
  if (incident.special === 'heartbeat')
    return 'a heartbeat that is missing cannot be silenced: to have it quiet, react to its message';
  if (incident.special === 'storm') return `a storm is many incidents, and more begin: ${BY_HAND}`;
  const services = new Set<string>();
  const names = new Set<string>();
  for (const { status, facts } of alertsOf(state, incident.id)) {
    if (status !== 'firing') continue;
    services.add(facts.service);
    names.add(facts.name);
  }
  if (services.size === 0) return 'nothing fires here any more: there is nothing to silence';
  if (services.size > VALUES_MAX || names.size > VALUES_MAX)
    return `too much fires here for one silence: ${BY_HAND}`;
  return [
    matcherOf('environment', new Set([incident.environment])),
    matcherOf('service', services),
    matcherOf('alertname', names),
  ];
}

function matcherOf(name: string, values: ReadonlySet<string>): SilenceMatcher {
  const all = [...values].sort();
  const isRegex = all.length > 1;
  const value = isRegex ? all.map(escaped).join('|') : (all[0] ?? '');
  return { name, value, isRegex, isEqual: true };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** In the form that Alertmanager's ids have, so that its tools take it. The same seed gives the same id. */
function uuidOf(seed: string): string {
  const hex = hash('sha1', seed, 'hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
}
