/**
 * What a tool's messages say, counted while they pass: which events each post tells of, and in which
 * message each firing stood last.
 */
import { canonicalKey, createFinder, type Finder } from './finder.ts';
import type { Truth, TruthFiring } from './truth.ts';

/** One line of a messages file. */
export interface MessageLine {
  readonly at: string;
  readonly action: string;
  readonly channel?: string;
  readonly incident?: string | null;
  readonly severity?: string;
  readonly alerts?: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly startsAt: string;
  }[];
  readonly root?: string | null;
  /** Likely causes, best first. */
  readonly candidates?: readonly (string | { readonly service: string })[];
}

export interface IncidentTally {
  posts: number;
  updates: number;
  replies: number;
  /** Events of which it has firings that belong to no other event. */
  readonly ownEvents: Set<string>;
}

export interface Mention {
  readonly at: number;
  readonly action: string;
  readonly incident: string;
  /** Likely causes as the line stated them, best first, by their names in the catalog. */
  readonly candidates: readonly string[];
}

export interface Tally {
  readonly finder: Finder;
  readonly aliases: Readonly<Record<string, string>>;
  readonly posts: {
    readonly at: number;
    readonly incident: string;
    readonly events: readonly string[];
  }[];
  readonly incidents: Map<string, IncidentTally>;
  /** Event -> the lines with alerts that are its own; a symptom that two failures share tells of neither. */
  readonly mentions: Map<string, Mention[]>;
  /** Firing -> the message in which it stood last. */
  readonly lastIn: Map<TruthFiring, string>;
  /** Event -> when its first alert, and its first critical one, was delivered. */
  readonly firstSeen: ReadonlyMap<string, number>;
  readonly firstCritical: ReadonlyMap<string, number>;
  candidatesSeen: boolean;
  unmatched: number;
}

export function createTally(truth: Truth): Tally {
  const firstSeen = new Map<string, number>();
  const firstCritical = new Map<string, number>();
  for (const { events, seenAt, severity } of truth.firings) {
    if (seenAt === undefined) continue;
    const at = Date.parse(seenAt);
    for (const id of events) {
      firstSeen.set(id, Math.min(at, firstSeen.get(id) ?? at));
      if (severity === 'critical') firstCritical.set(id, Math.min(at, firstCritical.get(id) ?? at));
    }
  }
  return {
    finder: createFinder(truth.firings),
    aliases: truth.aliases,
    posts: [],
    incidents: new Map(),
    mentions: new Map(),
    lastIn: new Map(),
    firstSeen,
    firstCritical,
    candidatesSeen: false,
    unmatched: 0,
  };
}

/** Lines come in the order of their time. Digests, and what stands for no incident, tell nobody by themselves. */
export function take(tally: Tally, line: MessageLine): void {
  const { action } = line;
  if (action !== 'post' && action !== 'update' && action !== 'reply') return;
  const at = Date.parse(line.at);
  const incident = line.incident ?? `none/${tally.posts.length}`;
  const counts = countsOf(tally, incident);
  const events = new Set<string>();
  const own = new Set<string>();
  for (const alert of line.alerts ?? []) {
    const firing = tally.finder(canonicalKey(alert.labels), Date.parse(alert.startsAt));
    if (firing === undefined) {
      tally.unmatched += 1;
      continue;
    }
    tally.lastIn.set(firing, incident);
    for (const id of firing.events) events.add(id);
    const [only, ...others] = firing.events;
    if (only !== undefined && others.length === 0) own.add(only);
  }
  const mention: Mention = { at, action, incident, candidates: candidatesOf(tally, line) };
  for (const id of own) {
    counts.ownEvents.add(id);
    const list = tally.mentions.get(id);
    if (list === undefined) tally.mentions.set(id, [mention]);
    else list.push(mention);
  }
  if (action === 'post') {
    counts.posts += 1;
    tally.posts.push({ at, incident, events: [...events] });
  } else if (action === 'update') counts.updates += 1;
  else counts.replies += 1;
}

function countsOf(tally: Tally, incident: string): IncidentTally {
  const known = tally.incidents.get(incident);
  if (known !== undefined) return known;
  const fresh: IncidentTally = {
    posts: 0,
    updates: 0,
    replies: 0,
    ownEvents: new Set(),
  };
  tally.incidents.set(incident, fresh);
  return fresh;
}

/** The stated root first; names as the catalog has them. */
function candidatesOf(tally: Tally, line: MessageLine): readonly string[] {
  const names = (line.candidates ?? []).map((it) => (typeof it === 'string' ? it : it.service));
  if (line.candidates !== undefined) tally.candidatesSeen = true;
  const all = line.root === undefined || line.root === null ? names : [line.root, ...names];
  return [...new Set(all.map((name) => tally.aliases[name] ?? name))];
}
