/**
 * Scores the messages of a tool against the truth of a recording.
 *
 *     npx tsx bench/noise/score.ts MESSAGES.jsonl TRUTH.json [--json]
 *
 * An alert in a message is found in the truth by its labels and start. Every figure follows from the
 * messages alone, so that any tool that writes the format can be measured: see README.md for what
 * each one means.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { countPairs, f1, type Pairs } from './pairs.ts';
import { createTally, type IncidentTally, type MessageLine, type Tally, take } from './tally.ts';
import type { Truth, TruthEvent } from './truth.ts';

/** Goals that a reader compares with stand in report.ts. */
export interface Scores {
  readonly firings: number;
  readonly posts: number;
  readonly noiseReduction: number;
  /** Undefined when the recording has no storm. */
  readonly stormReduction: number | undefined;
  readonly actionable: number;
  /** Actionable events with a post of their own while they last. */
  readonly recall: number;
  /** As above, or told by a reply in another message's thread. */
  readonly toldAtAll: number;
  readonly precision: number;
  readonly useful: number;
  readonly postsPerIncident: number;
  readonly wrongMerges: number;
  readonly pairs: Pairs & { readonly f1: number };
  readonly rootTop1: number;
  /** From the first post alone. */
  readonly rootTop1AtPost: number;
  readonly rootTop3: number | undefined;
  readonly shortCritical: { readonly events: number; readonly missed: number };
  readonly delaySeconds: {
    readonly urgent: Delay;
    readonly urgentSinceCritical: Delay;
    readonly other: Delay;
  };
  readonly updatesPerIncident: number;
  readonly repliesPerIncident: number;
  /** Alerts in messages that the truth does not know: a sign of altered labels. */
  readonly unmatched: number;
  readonly missed: readonly string[];
  readonly byKind: Readonly<
    Record<string, { readonly events: number; readonly told: number; readonly posts: number }>
  >;
}
export interface Delay {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
}

/** A post that comes this long after the last alert ended has missed its incident. */
const GRACE_MS = 60_000;

export function score(truth: Truth, lines: Iterable<MessageLine>): Scores {
  const tally = createTally(truth);
  for (const line of lines) take(tally, line);
  return finish(truth, tally);
}

function finish(truth: Truth, tally: Tally): Scores {
  const events = new Map(truth.events.map((event) => [event.id, event]));
  const kindOf = (id: string): TruthEvent | undefined => events.get(id);
  const actionable = truth.events.filter((event) => event.actionable);
  const main = mainMessages(tally);
  const told = actionable.map((event) => ({ event, ...tellingOf(event, tally, main) }));
  const posted = told.filter(({ post }) => post !== undefined);

  const isStorm = (id: string): boolean => kindOf(id)?.kind === 'storm';
  const stormFirings = truth.firings.filter(
    (it) => it.seenAt !== undefined && it.events.some(isStorm),
  ).length;
  const firings = truth.firings.filter(({ seenAt }) => seenAt !== undefined).length - stormFirings;
  const stormPosts = tally.posts.filter((post) => post.events.some(isStorm)).length;
  const otherPosts = tally.posts.length - stormPosts;
  const right = tally.posts.filter((post) =>
    post.events.some((id) => kindOf(id)?.actionable === true),
  );
  const incidents = [...tally.incidents.values()].filter(({ posts }) => posts > 0);
  const mixed = incidents.filter((it) => mixes(it, kindOf));
  const rooted = posted.filter(({ event }) => event.root !== undefined);
  const pairs = countPairs(truth, tally);
  const right1 = rooted.filter(({ event, lastRoots }) => lastRoots[0] === event.root);
  const withCandidates = tally.candidatesSeen;
  const short = actionable.filter(({ kind }) => kind === 'short-critical');
  const toldIncidents = new Set(
    posted.flatMap(({ incident }) => (incident === undefined ? [] : [incident])),
  );
  return {
    firings,
    posts: tally.posts.length,
    noiseReduction: 1 - otherPosts / firings,
    stormReduction: stormFirings === 0 ? undefined : 1 - stormPosts / stormFirings,
    actionable: actionable.length,
    recall: ratio(posted.length, actionable.length),
    toldAtAll: ratio(
      told.filter(({ post, reply }) => (post ?? reply) !== undefined).length,
      actionable.length,
    ),
    precision: ratio(right.length, tally.posts.length),
    useful: ratio(posted.length, tally.posts.length),
    postsPerIncident: ratio(right.length, posted.length),
    wrongMerges: ratio(mixed.length, incidents.length),
    pairs: { ...pairs, f1: f1(pairs) },
    rootTop1: ratio(right1.length, rooted.length),
    rootTop1AtPost: ratio(
      rooted.filter(({ event, firstRoot }) => firstRoot === event.root).length,
      rooted.length,
    ),
    rootTop3: withCandidates
      ? ratio(
          rooted.filter(({ event, lastRoots }) => lastRoots.slice(0, 3).includes(event.root ?? ''))
            .length,
          rooted.length,
        )
      : undefined,
    shortCritical: {
      events: short.length,
      missed: short.filter((event) => !posted.some((it) => it.event === event)).length,
    },
    delaySeconds: delays(posted, tally),
    updatesPerIncident: ratio(sum([...toldIncidents].map(({ updates }) => updates)), posted.length),
    repliesPerIncident: ratio(sum([...toldIncidents].map(({ replies }) => replies)), posted.length),
    unmatched: tally.unmatched,
    missed: told.filter(({ post }) => post === undefined).map(({ event }) => event.id),
    byKind: byKind(
      truth,
      tally,
      posted.map(({ event }) => event),
    ),
  };
}

interface Telling {
  readonly incident: IncidentTally | undefined;
  readonly post: number | undefined;
  readonly reply: number | undefined;
  readonly firstRoot: string | undefined;
  readonly lastRoots: readonly string[];
}

/** Event -> the message in which most of its own alerts stood last. */
export function mainMessages(tally: Tally): ReadonlyMap<string, string> {
  const counts = new Map<string, Map<string, number>>();
  for (const [{ events }, incident] of tally.lastIn) {
    const [only, ...others] = events;
    if (only === undefined || others.length > 0) continue;
    const own = counts.get(only) ?? new Map<string, number>();
    own.set(incident, (own.get(incident) ?? 0) + 1);
    counts.set(only, own);
  }
  const most = (own: ReadonlyMap<string, number>): string =>
    [...own].reduce((best, it) => (it[1] > best[1] ? it : best), ['', 0] as const)[0];
  return new Map([...counts].map(([event, own]) => [event, most(own)]));
}

/** The first post with an alert of the event while it lasts, and what its main message said last. */
function tellingOf(event: TruthEvent, tally: Tally, main: ReadonlyMap<string, string>): Telling {
  const from = Date.parse(event.startsAt);
  const to = Date.parse(event.endsAt) + GRACE_MS;
  const lasts = ({ at }: { readonly at: number }): boolean => at >= from && at <= to;
  const mentions = tally.mentions.get(event.id) ?? [];
  const first = mentions.find((it) => it.action === 'post' && lasts(it));
  const reply = mentions.find((it) => it.action === 'reply' && lasts(it));
  const incident = first === undefined ? undefined : tally.incidents.get(first.incident);
  const last = mentions.findLast((it) => it.at <= to && it.incident === main.get(event.id));
  return {
    incident,
    post: first?.at,
    reply: reply?.at,
    firstRoot: first?.candidates[0],
    lastRoots: last?.candidates ?? [],
  };
}

/** Alerts of two actionable events in one message, shared symptoms aside. */
function mixes(incident: IncidentTally, eventOf: (id: string) => TruthEvent | undefined): boolean {
  let found = 0;
  for (const id of incident.ownEvents) if (eventOf(id)?.actionable === true) found += 1;
  return found > 1;
}

function delays(
  posted: readonly { readonly event: TruthEvent; readonly post: number | undefined }[],
  tally: Tally,
): Scores['delaySeconds'] {
  const since = (
    event: TruthEvent,
    firsts: ReadonlyMap<string, number>,
    post: number | undefined,
  ): number => {
    const muted = event.mutedUntil === undefined ? 0 : Date.parse(event.mutedUntil);
    const first = Math.max(muted, firsts.get(event.id) ?? 0);
    return Math.max(0, ((post ?? first) - first) / 1_000);
  };
  const urgent = posted.filter(({ event }) => event.urgent);
  const other = posted.filter(({ event }) => !event.urgent);
  return {
    urgent: spread(urgent.map(({ event, post }) => since(event, tally.firstSeen, post))),
    urgentSinceCritical: spread(
      urgent.map(({ event, post }) => since(event, tally.firstCritical, post)),
    ),
    other: spread(other.map(({ event, post }) => since(event, tally.firstSeen, post))),
  };
}

export function spread(values: readonly number[]): Delay {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { n: sorted.length, p50: at(0.5), p95: at(0.95) };
}

function byKind(truth: Truth, tally: Tally, posted: readonly TruthEvent[]): Scores['byKind'] {
  const kinds: Record<string, { events: number; told: number; posts: number }> = {};
  const of = (kind: string) => (kinds[kind] ??= { events: 0, told: 0, posts: 0 });
  for (const { kind } of truth.events) of(kind).events += 1;
  for (const { kind } of posted) of(kind).told += 1;
  const kindOf = new Map(truth.events.map((event) => [event.id, event]));
  for (const { events } of tally.posts) {
    // A post counts for an actionable event in it, if there is one.
    const found = events.map((id) => kindOf.get(id));
    const main = found.find((event) => event?.actionable === true) ?? found[0];
    of(main?.kind ?? 'none').posts += 1;
  }
  return kinds;
}

export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A storm's messages are long: one line at a time. */
export async function scoreFile(messagesFile: string, truth: Truth): Promise<Scores> {
  const tally = createTally(truth);
  const lines = createInterface({
    input: createReadStream(messagesFile),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    // The format is a contract; a tool that breaks it fails here, which is what it should do.
    if (line.trim() !== '') take(tally, JSON.parse(line) as MessageLine);
  }
  return finish(truth, tally);
}

export function readTruth(file: string): Truth {
  // Written by generate.ts.
  return JSON.parse(readFileSync(file, 'utf8')) as Truth;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [messages, truthFile] = positionals;
  if (messages === undefined || truthFile === undefined) {
    process.stderr.write('usage: score.ts MESSAGES.jsonl TRUTH.json [--json]\n');
    process.exitCode = 2;
    return;
  }
  const scores = await scoreFile(messages, readTruth(truthFile));
  if (values.json) process.stdout.write(`${JSON.stringify(scores, undefined, 2)}\n`);
  else {
    const { scoreLines } = await import('./report.ts');
    process.stdout.write(`${scoreLines(scores).join('\n')}\n`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
