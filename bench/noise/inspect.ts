/**
 * What went wrong, case by case: for whoever wants to make a score better.
 *
 *     npx tsx bench/noise/inspect.ts MESSAGES.jsonl TRUTH.json
 *
 * Lists incidents that were missed or told twice, posts about nothing, messages that mix two
 * incidents, and wrong root causes with how the answer changed.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { canonicalKey } from './finder.ts';
import { mainMessages, readTruth } from './score.ts';
import { createTally, type MessageLine, type Tally, take } from './tally.ts';
import type { Truth, TruthEvent } from './truth.ts';

interface Post {
  readonly at: string;
  readonly incident: string;
  readonly events: readonly string[];
  readonly text: string;
  readonly alerts: readonly string[];
}

const ALERTS_SHOWN = 6;
const GRACE_MS = 60_000;

export function findings(truth: Truth, tally: Tally, posts: readonly Post[]): string[] {
  const events = new Map(truth.events.map((event) => [event.id, event]));
  const isReal = (id: string): boolean => events.get(id)?.actionable === true;
  const lines: string[] = [];
  const section = (title: string, found: readonly string[]): void => {
    lines.push(`${title}: ${found.length}`, ...found, '');
  };
  const real = truth.events.filter(({ actionable }) => actionable);
  section('Missed', real.filter((event) => toldBy(event, tally).length === 0).map(describe));
  section(
    'Told more than once',
    real
      .map((event) => ({ event, told: toldBy(event, tally) }))
      .filter(({ told }) => told.length > 1)
      .map(({ event, told }) => `${describe(event)}\n    ${told.join(' ')}`),
  );
  const nothing = posts.filter((post) => !post.events.some(isReal));
  section(
    'Posts about nothing',
    nothing.map((post) => show(post, events)),
  );
  const mixed = posts.filter((post) => {
    const own = tally.incidents.get(post.incident)?.ownEvents ?? new Set();
    return [...own].filter(isReal).length > 1;
  });
  section(
    'Mixed',
    mixed.map((post) => show(post, events)),
  );
  const main = mainMessages(tally);
  section(
    'Wrong root cause',
    real.flatMap((event) => wrongRoot(event, tally, main.get(event.id))),
  );
  return lines;
}

function describe(event: TruthEvent): string {
  const { id, kind, startsAt, root, severity, firings } = event;
  return `  ${id} ${kind} ${startsAt.slice(5, 19)} ${root ?? '-'} ${severity}, ${firings} alerts`;
}

/** Incidents whose post, while the event lasted, had alerts of it. */
function toldBy(event: TruthEvent, tally: Tally): string[] {
  const to = Date.parse(event.endsAt) + GRACE_MS;
  const from = Date.parse(event.startsAt);
  const posts = (tally.mentions.get(event.id) ?? []).filter(
    ({ action, at }) => action === 'post' && at >= from && at <= to,
  );
  return posts.map(({ incident }) => incident);
}

function wrongRoot(event: TruthEvent, tally: Tally, incident: string | undefined): string[] {
  if (toldBy(event, tally).length === 0 || event.root === undefined) return [];
  const to = Date.parse(event.endsAt) + GRACE_MS;
  const answers = (tally.mentions.get(event.id) ?? []).filter(
    (it) => it.at <= to && it.incident === incident,
  );
  if (answers.at(-1)?.candidates[0] === event.root) return [];
  const changes = answers.filter(
    ({ candidates }, i) => i === 0 || candidates.join() !== answers[i - 1]?.candidates.join(),
  );
  const story = changes.map(
    ({ at, candidates }) =>
      `    ${new Date(at).toISOString().slice(5, 19)} ${candidates.join(', ')}`,
  );
  return [`${describe(event)} in ${incident ?? '-'}\n${story.join('\n')}`];
}

function show(post: Post, events: ReadonlyMap<string, TruthEvent>): string {
  const kinds = post.events.map((id) => `${id} ${events.get(id)?.kind ?? ''}`).join(', ');
  const alerts = post.alerts.slice(0, ALERTS_SHOWN).join(' ');
  return `  ${post.at.slice(5, 19)} ${post.incident} [${kinds}] ${post.text}\n    ${alerts}`;
}

async function main(): Promise<void> {
  const [messages, truthFile] = process.argv.slice(2);
  if (messages === undefined || truthFile === undefined) {
    process.stderr.write('usage: inspect.ts MESSAGES.jsonl TRUTH.json\n');
    process.exitCode = 2;
    return;
  }
  const truth = readTruth(truthFile);
  const tally = createTally(truth);
  const posts: Post[] = [];
  for await (const text of createInterface({ input: createReadStream(messages) })) {
    if (text.trim() === '') continue;
    // The format is a contract; what breaks it fails here.
    const line = JSON.parse(text) as MessageLine & { readonly text?: string };
    take(tally, line);
    const post = line.action === 'post' ? tally.posts.at(-1) : undefined;
    if (post === undefined) continue;
    const alerts = (line.alerts ?? []).map(({ labels, startsAt }) => {
      const firing = tally.finder(canonicalKey(labels), Date.parse(startsAt));
      const name = `${labels['alertname'] ?? ''}${firing === undefined ? '' : `/${firing.severity}`}`;
      return `${name}@${startsAt.slice(11, 19)}`;
    });
    const head = (line.text ?? '').split('\n')[0]?.slice(0, 120) ?? '';
    posts.push({ at: line.at, incident: post.incident, events: post.events, text: head, alerts });
  }
  process.stdout.write(`${findings(truth, tally, posts).join('\n')}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
