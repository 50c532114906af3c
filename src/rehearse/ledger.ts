/**
 * What one set of rules made of a recording: each firing, the incident it stood in, and when people
 * were told of it. Filled from the decisions of a replay, and read when that is over.
 *
 * A firing is known by its alert and the instant it began, so that the same firing is found again
 * under other rules.
 */
import {
  type Alert,
  BEGINNINGS,
  type Decision,
  type Facts,
  type Incident,
  type Instant,
  type Reason,
  type RuleRef,
} from '../model.ts';
import type { LaneState } from '../state/state.ts';

export interface Firing {
  readonly key: string;
  readonly fingerprint: string;
  readonly at: Instant;
  readonly facts: Facts;
  /** It had fired and ended so often that its coming and going was no longer told. */
  readonly damped: boolean;
  /** The incident it took its place in; undefined while it is muted. */
  story: Story | undefined;
  /** When it took it. */
  placedAt: Instant;
  /** When people were told of it in an incident where it does not stand any more. */
  seenAt: Instant | undefined;
  /** What it joined the incident by; undefined for the first of an incident. */
  joinedBy: RuleRef | undefined;
  mutedBy: RuleRef | undefined;
  endedAt: Instant | undefined;
  /** `expired`: nobody said when. Its source only stopped to mention it, or it began anew. */
  ended: 'resolved' | 'expired' | undefined;
}

/** An incident, from its first alert on. */
export interface Story {
  readonly id: string;
  /** When people were told in Slack, or told again because it re-opened. */
  readonly tellings: Instant[];
  /** Ended in the digest, or nowhere, and by which entry. The last such decision. */
  quiet: { readonly reason: Reason; readonly rule: RuleRef | undefined } | undefined;
  mergedInto: Story | undefined;
  mergedAt: Instant;
  /** Why it was told: the hold it outlasted, or its route. */
  toldBy: RuleRef | undefined;
  channel: string | undefined;
  routedBy: RuleRef | undefined;
  /** The likely cause when it was told. */
  root: string | undefined;
  environment: string;
}

export interface Ledger {
  readonly firings: ReadonlyMap<string, Firing>;
  readonly stories: ReadonlyMap<string, Story>;
  /** The firing of an alert that began last. */
  readonly ofAlert: (alert: Alert) => Firing | undefined;
  readonly messages: Messages;
}

/** New messages, counted. */
export interface Messages {
  readonly byChannel: ReadonlyMap<string, number>;
  /** By the likely cause; digests, storms and heartbeats in brackets. */
  readonly byService: ReadonlyMap<string, number>;
}

const DIGESTS = '(digests)';
/** What stands for no alerts of its own. */
const STORMS = '(storms, heartbeats)';

export interface LedgerWriter extends Ledger {
  readonly note: (decision: Decision, state: LaneState) => void;
  readonly posted: (channel: string, incident: Incident | undefined) => void;
}

/** `identify` names an alert the same under every set of rules that is compared. */
export function createLedger(identify: (alert: Alert) => string): LedgerWriter {
  const book: Book = {
    identify,
    firings: new Map(),
    stories: new Map(),
    latest: new Map(),
    open: new Map(),
    byChannel: new Map(),
    byService: new Map(),
  };
  return {
    firings: book.firings,
    stories: book.stories,
    ofAlert: (alert) => book.latest.get(book.identify(alert)),
    messages: book,
    note: (decision, state) => note(book, decision, state),
    posted(channel, incident) {
      const service = incident === undefined ? DIGESTS : (incident.roots[0]?.service ?? STORMS);
      count(book.byChannel, channel);
      count(book.byService, service);
    },
  };
}

interface Book {
  readonly identify: (alert: Alert) => string;
  readonly firings: Map<string, Firing>;
  readonly stories: Map<string, Story>;
  readonly latest: Map<string, Firing>;
  /** Fingerprint under these rules -> its firing that goes on. */
  readonly open: Map<string, Firing>;
  readonly byChannel: Map<string, number>;
  readonly byService: Map<string, number>;
}

function note(book: Book, decision: Decision, state: LaneState): void {
  switch (decision.reason) {
    case 'resolved':
    case 'expired':
      return ended(book, decision, decision.reason);
    case 'told':
    case 'stormed':
    case 'reopened':
      return told(book, decision, state);
    case 'transient':
    case 'digested':
    case 'chronic':
    case 'dropped':
      return quiet(book, decision);
    case 'merged':
      return merged(book, decision, state);
    default:
      if (BEGINNINGS.has(decision.reason)) began(book, decision, state);
  }
}

function began(book: Book, decision: Decision, state: LaneState): void {
  const { fingerprint = '', at, reason, rule } = decision;
  const alert = state.alerts.get(fingerprint);
  if (alert === undefined) return;
  // What the clock brings, as the end of a silence, is no new firing.
  const going = decision.delivery === undefined ? book.open.get(fingerprint) : undefined;
  // It begins anew, and that it was over in between was never heard.
  if (going === undefined) ended(book, decision, 'expired');
  const firing = going ?? newFiring(book, alert, at, reason === 'damped');
  book.open.set(fingerprint, firing);
  if (reason === 'silenced' || reason === 'inhibited') {
    firing.mutedBy = rule;
    return;
  }
  // Where it stood before, people may have been told of it already.
  firing.seenAt ??= toldAt(firing, at);
  firing.placedAt = at;
  firing.joinedBy = reason === 'joined' ? rule : undefined;
  firing.story = storyOf(book, alert.incident ?? decision.incident, at, state);
}

function newFiring(book: Book, alert: Alert, at: Instant, damped: boolean): Firing {
  const name = book.identify(alert);
  const firing: Firing = {
    key: `${name} ${at}`,
    fingerprint: name,
    at,
    facts: alert.facts,
    damped,
    story: undefined,
    placedAt: at,
    seenAt: undefined,
    joinedBy: undefined,
    mutedBy: undefined,
    endedAt: undefined,
    ended: undefined,
  };
  book.firings.set(firing.key, firing);
  book.latest.set(name, firing);
  return firing;
}

function ended(book: Book, { fingerprint = '', at }: Decision, how: 'resolved' | 'expired'): void {
  const firing = book.open.get(fingerprint);
  if (firing === undefined) return;
  firing.endedAt = at;
  firing.ended = how;
  book.open.delete(fingerprint);
}

function storyOf(
  book: Book,
  id: string | undefined,
  at: Instant,
  state: LaneState,
): Story | undefined {
  if (id === undefined) return undefined;
  const known = book.stories.get(id);
  if (known !== undefined) return known;
  const story: Story = {
    id,
    tellings: [],
    quiet: undefined,
    mergedInto: undefined,
    mergedAt: at,
    toldBy: undefined,
    channel: undefined,
    routedBy: undefined,
    root: undefined,
    environment: state.incidents.get(id)?.environment ?? '',
  };
  book.stories.set(id, story);
  return story;
}

function told(book: Book, decision: Decision, state: LaneState): void {
  const incident = state.incidents.get(decision.incident ?? '');
  // A digest has no incident, and what re-opens there is told nobody.
  if (incident === undefined || incident.toldIn === 'digest' || incident.toldIn === 'nowhere')
    return;
  const story = storyOf(book, incident.id, decision.at, state);
  if (story === undefined) return;
  story.tellings.push(decision.at);
  if (story.tellings.length > 1) return;
  story.toldBy = decision.rule;
  story.channel = incident.route?.channel;
  story.routedBy = incident.route?.rule;
  story.root = incident.roots[0]?.service;
}

function quiet(book: Book, { incident = '', reason, rule }: Decision): void {
  const story = book.stories.get(incident);
  if (story !== undefined) story.quiet = { reason, rule };
}

function merged(book: Book, { incident = '', at }: Decision, state: LaneState): void {
  const story = book.stories.get(incident);
  const into = state.incidents.get(incident)?.mergedInto;
  if (story === undefined || into === undefined) return;
  const survivor = storyOf(book, into, at, state);
  if (survivor === undefined || lastOf(survivor) === story) return;
  story.mergedInto = survivor;
  story.mergedAt = at;
}

/** The incident that a firing ended in, after all mergers. */
export function lastOf(story: Story): Story {
  let last = story;
  // A chain has no circle: an incident becomes part of another only once.
  while (last.mergedInto !== undefined) last = last.mergedInto;
  return last;
}

/** When people were told of a firing, by an instant; undefined: never while it lasted. */
export function toldAt(firing: Firing, by = Infinity): Instant | undefined {
  let { story, placedAt: from } = firing;
  let first = firing.seenAt ?? Infinity;
  while (story !== undefined) {
    const since = from;
    const at = story.tellings.some((telling) => telling <= since)
      ? since
      : story.tellings.find((telling) => telling > since);
    first = Math.min(first, at ?? Infinity);
    from = Math.max(from, story.mergedAt);
    story = story.mergedInto;
  }
  return first <= Math.min(by, firing.endedAt ?? Infinity) && first < Infinity ? first : undefined;
}

/** An incident that people were told of while it lasted, with all that became part of it. */
export interface Shown {
  readonly story: Story;
  readonly firings: readonly Firing[];
  /** When they were told. */
  readonly at: Instant;
}

/** Storms and lost heartbeats are not among them: they stand for no alerts of their own. */
export function shownIn(ledger: Ledger): readonly Shown[] {
  const found = new Map<Story, { readonly firings: Firing[]; at: Instant }>();
  for (const firing of ledger.firings.values()) {
    if (firing.story === undefined) continue;
    const last = lastOf(firing.story);
    const shown = found.get(last) ?? { firings: [], at: Infinity };
    found.set(last, shown);
    shown.firings.push(firing);
    shown.at = Math.min(shown.at, toldAt(firing) ?? Infinity);
  }
  return [...found].flatMap(([story, { firings, at }]) =>
    at < Infinity ? [{ story, firings, at }] : [],
  );
}

export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
