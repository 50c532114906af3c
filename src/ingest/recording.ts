/**
 * Reads a recording, line by line, without holding it in memory: what `serve --record` wrote, or any
 * other tool. A line that is none is reported with its number, and the rest goes on. Files ending in
 * `.gz` are inflated on the way.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { Event, Instant, Labels, Silence } from '../model.ts';
import { describe, isObject, isProblem, type JsonObject, readIdentity } from './parsed.ts';
import { mayHaveLarge, withDigits } from './digits.ts';
import { readJson } from './json.ts';
import { parseTime } from './time.ts';

export type Recorded =
  | {
      readonly kind: 'delivery';
      readonly line: number;
      readonly at: Instant;
      readonly source: string;
      readonly body: unknown;
    }
  | {
      readonly kind: 'reaction';
      readonly line: number;
      readonly at: Instant;
      /** Emoji name without colons. */
      readonly reaction: string;
      readonly removed: boolean;
      readonly incident: string;
      readonly user: string;
      /** Of the incident when it was reacted to, as far as the recording says. */
      readonly alerts: readonly RecordedAlert[];
    }
  /** Asked for in the thread of a message. */
  | {
      readonly kind: 'request';
      readonly line: number;
      readonly at: Instant;
      readonly text: string;
      readonly incident: string;
      readonly user: string;
      readonly orderedAt: Instant;
      readonly alerts: readonly RecordedAlert[];
    }
  | {
      readonly kind: 'silence';
      readonly line: number;
      readonly at: Instant;
      readonly event: Extract<Event, { readonly kind: 'silence' | 'unsilence' }>;
    }
  | { readonly kind: 'bad'; readonly line: number; readonly error: string };

export interface RecordedAlert {
  readonly source: string;
  readonly labels: Labels;
}

/** One line; a delivery is at most as large as a body, with room to spare. */
const LINE_MAX = 256 * 1024 * 1024;
const CHUNK = 1024 * 1024;

/**
 * The lines of a file as texts, as many at once as are read: an await for each would cost more than the
 * line. A last line without a line break is one too, unless `wanted` are whole lines. Fails with the error of the
 * file system when the file cannot be read.
 */
export async function* textsInBatches(
  path: string,
  wanted: 'all' | 'whole lines',
): AsyncGenerator<readonly string[]> {
  let line = 0;
  let rest: readonly Buffer[] = [];
  let restSize = 0;
  for await (const chunk of chunksOf(path)) {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      rest = [...rest, chunk];
      restSize += chunk.length;
      if (restSize > LINE_MAX) throw new RangeError(`line ${line + 1} is longer than ${LINE_MAX}`);
      continue;
    }
    const lines = Buffer.concat([...rest, chunk.subarray(0, end)])
      .toString('utf8')
      .split('\n');
    yield lines;
    line += lines.length;
    rest = [chunk.subarray(end + 1)];
    restSize = chunk.length - end - 1;
  }
  if (wanted === 'all') yield [Buffer.concat([...rest]).toString('utf8')];
}

const NEWLINE = 10;

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: CHUNK });
  if (!path.endsWith('.gz')) {
    yield* file;
    return;
  }
  const inflated = createGunzip({ chunkSize: CHUNK });
  // An error of the file ends the inflating stream with it, so that the reader sees it.
  file.on('error', (error) => inflated.destroy(error));
  yield* file.pipe(inflated);
}

/** Undefined for an empty line. */
export function readLine(text: string, line: number): Recorded | undefined {
  if (text === '' || text.trim() === '') return undefined;
  const json = readJson(text);
  if (json.kind === 'bad') return { kind: 'bad', line, error: json.error };
  const { value } = json;
  if (!isObject(value)) {
    return { kind: 'bad', line, error: `expected an object, got ${describe(value)}` };
  }
  const at = typeof value['at'] === 'string' ? parseTime(value['at']) : undefined;
  if (at === undefined) {
    const error = `at: expected a time like 2026-01-01T00:00:00.000Z, got ${describe(value['at'])}`;
    return { kind: 'bad', line, error };
  }
  if (value['reaction'] !== undefined) return readReaction(value, at, line);
  if (value['request'] !== undefined) return readRequest(value, at, line);
  if (value['silence'] !== undefined || value['unsilence'] !== undefined)
    return readSilence(value, at, line);
  const { source, body } = value;
  if (typeof source !== 'string' || body === undefined) {
    return { kind: 'bad', line, error: 'expected "source" and "body", or "reaction"' };
  }
  return {
    kind: 'delivery',
    line,
    at,
    source,
    body: mayHaveLarge(text) ? bodyOf(text) : body,
  };
}

/** As it was read when it came in. */
function bodyOf(line: string): unknown {
  // It was read before, as an object.
  return (JSON.parse(withDigits(line)) as JsonObject)['body'];
}

function readReaction(value: JsonObject, at: Instant, line: number): Recorded {
  const { reaction, incident, user, removed } = value;
  if (typeof reaction !== 'string' || typeof incident !== 'string' || typeof user !== 'string') {
    return { kind: 'bad', line, error: 'expected "reaction", "incident" and "user" as text' };
  }
  return {
    kind: 'reaction',
    line,
    at,
    reaction,
    removed: removed === true,
    incident,
    user,
    alerts: alertsOf(value),
  };
}

function readRequest(value: JsonObject, at: Instant, line: number): Recorded {
  const { request: text, incident, user, orderedAt = at } = value;
  const areTexts =
    typeof text === 'string' && typeof incident === 'string' && typeof user === 'string';
  if (!areTexts || typeof orderedAt !== 'number') {
    return { kind: 'bad', line, error: 'expected "request", "incident" and "user" as text' };
  }
  return { kind: 'request', line, at, text, incident, user, orderedAt, alerts: alertsOf(value) };
}

function readSilence(value: JsonObject, at: Instant, line: number): Recorded {
  const { unsilence: id, by } = value;
  const silence = silenceOf(value['silence']);
  if (silence !== undefined) {
    return { kind: 'silence', line, at, event: { kind: 'silence', silence } };
  }
  if (!isWords(id) || !isWords(by)) {
    return { kind: 'bad', line, error: 'expected "silence" as it is recorded, or "unsilence"' };
  }
  return { kind: 'silence', line, at, event: { kind: 'unsilence', id, by } };
}

/** By hand: a library would take longer to load than most recordings to read. */
function silenceOf(value: unknown): Silence | undefined {
  if (!isObject(value)) return undefined;
  const { id, matchers: given, startsAt, endsAt, createdBy, comment } = value;
  const areWords = isWords(id) && isWords(createdBy) && isWords(comment);
  if (!areWords || !isNumber(startsAt) || !isNumber(endsAt)) return undefined;
  if (!Array.isArray(given)) return undefined;
  const matchers = given.flatMap(matcherOf);
  if (matchers.length < given.length) return undefined;
  return { id, matchers, startsAt, endsAt, createdBy, comment };
}

function matcherOf(given: unknown): Silence['matchers'] {
  if (!isObject(given)) return [];
  const { name, value, isRegex, isEqual } = given;
  if (!isWords(name) || !isWords(value)) return [];
  if (typeof isRegex !== 'boolean' || typeof isEqual !== 'boolean') return [];
  return [{ name, value, isRegex, isEqual }];
}

const WORDS_MAX = 100_000;

function isWords(value: unknown): value is string {
  return typeof value === 'string' && value.length <= WORDS_MAX;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function alertsOf(value: JsonObject): readonly RecordedAlert[] {
  return Array.isArray(value['alerts']) ? value['alerts'].flatMap(readAlert) : [];
}

function readAlert(value: unknown): readonly RecordedAlert[] {
  if (!isObject(value) || typeof value['source'] !== 'string') return [];
  const labels = readIdentity(value['labels'], 'labels');
  return isProblem(labels) ? [] : [{ source: value['source'], labels }];
}
