/**
 * What waits for one incident (or one digest), and what this process knows of its message in Slack.
 *
 * The lane learns of a post only after it is reported; until then the track knows better, so that
 * nothing is posted twice meanwhile.
 */
import type {
  DigestEffect,
  Effect,
  Instant,
  MessageEffect,
  MessageRef,
  ReplyEffect,
} from '../model.ts';
import { duration } from '../rules/duration.ts';
import type { MessageView } from '../view.ts';
import { count } from './words.ts';

/** An incident as it stands now. */
export interface Seen {
  readonly view: MessageView;
  readonly message: MessageRef | undefined;
  /** When it was first told, if known: a lost post is looked for from then on. */
  readonly toldAt?: Instant | undefined;
  /** The revision that the lane was last told Slack has, if known: another instance may have sent it late. */
  readonly sentRevision?: number | undefined;
}
export type Look = (incident: string) => Seen | undefined;

/** It may be in Slack already: it is looked up before it is posted. */
interface Doubt {
  readonly channel: string;
  /** Undefined: an earlier process may have posted it, at any time since it was ordered. */
  readonly triedAt: Instant | undefined;
  /** The request may still be on its way until then. */
  readonly settledAt: Instant;
}

export interface Track {
  readonly key: string;
  message: MessageEffect | undefined;
  readonly posts: (ReplyEffect | DigestEffect)[];
  /** What this process posted or updated last. */
  known: MessageRef | undefined;
  sent: { readonly ts: string; readonly revision: number; readonly state: string } | undefined;
  /** Whether what waits is news, or only fresher numbers; undefined: not looked at yet. */
  isNews: boolean | undefined;
  /** The message that somebody deleted. */
  gone: string | undefined;
  readonly doubts: Map<string, Doubt>;
  /** Channels that did not take a line of it: those stand in its thread. */
  readonly barred: Set<string>;
  /** Slack refused the layout: text only from now on. */
  textOnly: boolean;
  /** Its message was refused last: the lane knows, or will in a moment. */
  isRefused: boolean;
  running: boolean;
  failures: number;
  /** Tries of what is sent now that Slack did not take, and why. */
  missed: Missed | undefined;
}

export interface Missed {
  readonly since: Instant;
  readonly tries: number;
  readonly reasons: readonly string[];
}

export function trackKey(effect: Effect): string {
  return effect.kind === 'digest' ? effect.id : effect.incident;
}

export function createTrack(key: string): Track {
  return {
    key,
    message: undefined,
    posts: [],
    known: undefined,
    sent: undefined,
    isNews: undefined,
    gone: undefined,
    doubts: new Map(),
    barred: new Set(),
    textOnly: false,
    isRefused: false,
    running: false,
    failures: 0,
    missed: undefined,
  };
}

/** Different reasons that are kept, and how much of each. */
const REASONS_MAX = 3;
const REASON_MAX = 80;

export function miss(track: Track, reason: string, now: Instant): void {
  const { since, tries, reasons } = track.missed ?? { since: now, tries: 0, reasons: [] };
  const short = reason.slice(0, REASON_MAX);
  const isNew = !reasons.includes(short) && reasons.length < REASONS_MAX;
  track.missed = { since, tries: tries + 1, reasons: isNew ? [...reasons, short] : reasons };
}

/** "after 3 tries in 45 s (rate limited)"; undefined when it was taken at once. */
export function missedInWords(track: Track, now: Instant): string | undefined {
  const { missed } = track;
  if (missed === undefined) return undefined;
  const tries = count(missed.tries, 'try', 'tries');
  return `after ${tries} in ${duration(now - missed.since)} (${missed.reasons.join('; ')})`;
}

/** A later effect with the same id takes the place of the earlier one. */
export function put(track: Track, effect: Effect): void {
  if (effect.kind === 'message') {
    track.message = effect;
    track.isNews = undefined;
    return;
  }
  const at = track.posts.findIndex(({ id }) => id === effect.id);
  if (at < 0) track.posts.push(effect);
  else track.posts[at] = effect;
}

/** Unless something newer took its place meanwhile. A lane that loaded again may have put its copy there. */
export function take(track: Track, effect: Effect): void {
  if (track.message === effect) track.message = undefined;
  const at = track.posts.findIndex((post) => post.id === effect.id && post.at === effect.at);
  if (at >= 0) track.posts.splice(at, 1);
}

export function isWaiting(track: Track, id: string): boolean {
  return track.message?.id === id || track.posts.some((post) => post.id === id);
}

export function waitingOn(track: Track): readonly Effect[] {
  return track.message === undefined ? track.posts : [track.message, ...track.posts];
}

/** Post before update before reply; a reply waits until there is a message to reply to. */
export function next(track: Track, look: Look): Effect | undefined {
  if (track.message !== undefined) return track.message;
  const [post] = track.posts;
  if (post === undefined || post.kind === 'digest') return post;
  const seen = look(post.incident);
  if (seen === undefined || messageOf(track, seen) !== undefined) return post;
  return isRefused(seen) ? post : undefined;
}

/** Slack will not take its message anywhere: there is nothing to reply to. */
export function isRefused({ message, sentRevision }: Seen): boolean {
  return message === undefined && sentRevision !== undefined;
}

export function messageOf(track: Track, seen: Seen): MessageRef | undefined {
  if (track.known !== undefined) return track.known;
  return seen.message?.ts === track.gone ? undefined : seen.message;
}

/** True when its incident is over and the lane knows all that the track knows: it can be forgotten. */
export function isSpent(track: Track, look: Look): boolean {
  if (track.running || waitingOn(track).length > 0) return false;
  const seen = look(track.key);
  if (seen === undefined) return true;
  if (seen.view.phase !== 'resolved' && seen.view.mergedInto === undefined) return false;
  if (track.known !== undefined) return seen.message?.ts === track.known.ts;
  return track.gone === undefined || seen.message?.ts !== track.gone;
}

/** What decides whether an update is news or only a fresher number. */
export function stateOf({ view }: Seen): string {
  const { phase, severity, acknowledged, solved, snoozed, mergedInto } = view;
  const users = acknowledged.map(({ user }) => user);
  return JSON.stringify([phase, severity, users, solved?.user, snoozed?.until, mergedInto]);
}
