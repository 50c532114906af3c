/**
 * Reads recordings: one JSON line for each delivery, as `serve --record` writes them, or for a
 * reaction. Lines that cannot be read are returned as mistakes; the rest goes on.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Instant } from '../model.ts';
import { readJson } from './json.ts';
import { describe, isObject } from './parsed.ts';
import { parseTime } from './time.ts';

export type RecordedLine =
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
      readonly reaction: string;
      readonly incident: string;
      readonly user: string;
      readonly removed: boolean;
    }
  | { readonly kind: 'mistake'; readonly line: number; readonly error: string };

/** A line longer than this is no delivery that was ever accepted. */
const LINE_MAX = 64 * 1024 * 1024;

export async function* readRecording(path: string): AsyncIterable<RecordedLine> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  // Errors of the file reach the reader through the pipe.
  const bytes = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file;
  const decoder = new TextDecoder();
  let rest = '';
  let line = 0;
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    let from = 0;
    for (let to = rest.indexOf('\n'); to >= 0; to = rest.indexOf('\n', from)) {
      line++;
      if (to > from) yield readLine(rest.slice(from, to), line);
      from = to + 1;
    }
    rest = rest.slice(from);
    if (rest.length > LINE_MAX)
      throw new RangeError(`line ${line + 1} is longer than ${LINE_MAX} characters`);
  }
  if (rest.trim() !== '') yield readLine(rest, line + 1);
}

function readLine(text: string, line: number): RecordedLine {
  const json = readJson(text);
  if (json.kind === 'bad') return { kind: 'mistake', line, error: json.error };
  const { value } = json;
  if (!isObject(value))
    return { kind: 'mistake', line, error: `expected an object, got ${describe(value)}` };
  const at = typeof value.at === 'string' ? parseTime(value.at) : undefined;
  if (at === undefined)
    return {
      kind: 'mistake',
      line,
      error: `at: expected an RFC 3339 time, got ${describe(value.at)}`,
    };
  if (typeof value.reaction === 'string') return readReaction(value, at, line);
  if (typeof value.source !== 'string')
    return {
      kind: 'mistake',
      line,
      error: `source: expected a string, got ${describe(value.source)}`,
    };
  return { kind: 'delivery', line, at, source: value.source, body: value.body };
}

function readReaction(
  value: Readonly<Record<string, unknown>>,
  at: Instant,
  line: number,
): RecordedLine {
  const { reaction, incident, user, removed } = value;
  if (typeof reaction !== 'string' || typeof incident !== 'string') {
    return {
      kind: 'mistake',
      line,
      error: `incident: expected a string, got ${describe(incident)}`,
    };
  }
  return {
    kind: 'reaction',
    line,
    at,
    reaction: reaction.replaceAll(':', ''),
    incident,
    user: typeof user === 'string' ? user : 'unknown',
    removed: removed === true,
  };
}
