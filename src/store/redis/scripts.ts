/**
 * The two Lua scripts: one that writes to a lane, and one that reads what changed.
 *
 * Redis runs a script as one step, and writes what it did to its log and its replicas as one
 * transaction. So a commit is all or nothing, and its version check is the fence: a writer that lost
 * the lane, because it stalled or was cut off, has an old version and changes nothing.
 */
import type { Connection } from './connection.ts';
import { LANE_KEYS, type LaneKey, laneKeys } from './keys.ts';
import { bytesOf } from './wire.ts';

/** One command of a write: what to do to which key of the lane. */
export interface Command {
  readonly name: 'HSET' | 'HDEL' | 'ZADD' | 'ZREM' | 'ZREMRANGEBYRANK';
  readonly key: LaneKey;
  readonly args: readonly string[];
}

/** Changed records that are remembered: whoever is further behind loads the lane anew. */
export const CHANGED_MAX = 20_000;
/** What is told at a time of what changed, and the rest of a commit: some milliseconds to read. */
const PART_BYTES = 1024 * 1024;
/** Arguments of one command: Lua's stack holds no more than 8,000. */
const ARGS_MAX = 1_000;

/** What begins a line that stands for an argument of the script, and ends each line. */
const ELSEWHERE = '\0';
const END = '\n';

/**
 * A failover, or a crash of its machine, may take the last versions from Redis, and what is written then has the same
 * numbers. So a version is one of a timeline: Redis calls its own data by another name after each of these.
 */
const TIMELINE = `
local function timeline()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
end`;

/**
 * All commands come as one text of lines, because each argument of a script costs both sides more than it takes
 * to cut it out of a text: see `textOf`.
 */
const WRITE = `${TIMELINE}
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] or (ARGV[4] ~= '' and ARGV[4] ~= timeline()) then return 0 end
local text, at = ARGV[3], 1
local function line()
  local last = string.find(text, '\\n', at, true)
  local found = string.sub(text, at, last - 1)
  at = last + 1
  if string.byte(found) == 0 then return ARGV[tonumber(string.sub(found, 2))] end
  return found
end
while at <= #text do
  local name, key, args = line(), KEYS[tonumber(line())], {}
  for index = 1, tonumber(line()) do args[index] = line() end
  redis.call(name, key, unpack(args))
end
if ARGV[2] ~= ARGV[1] then redis.call('HSET', KEYS[1], 'version', ARGV[2]) end
return 1`;

const READ_CHANGES = `${TIMELINE}
local now = timeline()
local lane = redis.call('HMGET', KEYS[1], 'version', 'format')
local version, format = lane[1] or '0', lane[2] or ''
if ARGV[4] ~= '' and ARGV[4] ~= now then return {version, 'far', format, now} end
if version == ARGV[1] then return {version, 'same', format, now} end
local oldest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local full = redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[2])
local ahead = tonumber(version) < tonumber(ARGV[1])
if ahead or (full and tonumber(oldest[2]) > tonumber(ARGV[1])) then return {version, 'far', format, now} end
local keys, values, bytes, last, offset = {}, {}, 0, '', 0
repeat
  local rows = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', offset, 100)
  offset = offset + 100
  for at = 1, #rows, 2 do
    if bytes > tonumber(ARGV[3]) and rows[at + 1] ~= last then
      return {last, 'part', format, now, keys, values}
    end
    -- One by one: a hundred large ones at a time would be many times what is told.
    local value = redis.call('HGET', KEYS[2], rows[at]) or ''
    keys[#keys + 1], values[#values + 1], bytes, last = rows[at], value, bytes + #value, rows[at + 1]
  end
until #rows < 200
return {version, 'near', format, now, keys, values}`;

/** Does all commands and sets the version to `next`, if it is `expected` in that timeline, in any without one; else nothing. Tells which. */
export async function write(
  connection: Connection,
  tag: string,
  {
    expected,
    next,
    timeline = '',
  }: { readonly expected: number; readonly next: number; readonly timeline?: string | undefined },
  commands: readonly Command[],
): Promise<boolean> {
  const { text, others } = textOf(commands);
  const keys = laneKeys(tag);
  const args = [...keys, String(expected), String(next), bytesOf(text), timeline, ...others];
  const done = await connection.client.eval(WRITE, keys.length, ...args);
  return done === 1;
}

/** A line for each part of a command, and for each argument. What could be no line by itself is an argument of the script. */
function textOf(commands: readonly Command[]) {
  const plain = linesOf(commands, (arg) => arg);
  const text = plain.join(END);
  // All at once, because JSON is in pieces until it is looked at, and is copied then.
  if (!text.includes(ELSEWHERE) && countOf(END, text) === plain.length - 1)
    return { text, others: [] };
  const others: string[] = [];
  const lines = linesOf(commands, (arg) =>
    arg.includes(END) || arg.startsWith(ELSEWHERE)
      ? ELSEWHERE + String(ARGS_BEFORE + others.push(arg))
      : arg,
  );
  return { text: lines.join(END), others };
}

function linesOf(commands: readonly Command[], line: (arg: string) => string): readonly string[] {
  const lines: string[] = [];
  for (const { name, key, args } of commands) {
    lines.push(name, String(LANE_KEYS.indexOf(key) + 1), String(args.length));
    for (const arg of args) lines.push(line(arg));
  }
  // The last line ends, too.
  lines.push('');
  return lines;
}

function countOf(character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

/** Versions, text and timeline. */
const ARGS_BEFORE = 4;

/**
 * Fields that changed, and what stands in them now; an empty value: it is gone. Neither when it is `same`, or `far`, as it
 * is in another timeline than the one that was named; as
 * `part` they are of whole commits, up to `version`, and there is more.
 */
export type Changes = readonly [
  version: string,
  distance: 'same' | 'near' | 'part' | 'far',
  format: string,
  timeline: string,
  keys?: readonly string[],
  values?: readonly string[],
];

export async function readChanges(
  connection: Connection,
  tag: string,
  since: number,
  timeline = '',
): Promise<Changes> {
  const keys = laneKeys(tag);
  const args = [String(since), String(CHANGED_MAX), String(PART_BYTES), timeline];
  const reply = await connection.client.eval(READ_CHANGES, keys.length, ...keys, ...args);
  // What the script above returns.
  return reply as Changes;
}

/** Pairs or single arguments as commands that Lua can hold. */
export function inParts(
  name: Command['name'],
  key: LaneKey,
  args: readonly string[],
): readonly Command[] {
  const commands: Command[] = [];
  for (let first = 0; first < args.length; first += ARGS_MAX) {
    commands.push({ name, key, args: args.slice(first, first + ARGS_MAX) });
  }
  return commands;
}
