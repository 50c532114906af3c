/**
 * The Redis store: for several processes that are one service.
 *
 * The state records of a lane are one hash, and beside it Redis remembers which of them changed last
 * at which version. So whoever has an older version in memory reads only what changed since. Each
 * commit is one script (redis/scripts.ts): it compares the version, and does all or nothing.
 *
 * How long a commit lives through a crash of Redis is Redis's own setting (appendonly, appendfsync);
 * through a failover it does because a replica has it before the commit resolves.
 */
import { AppError } from '../errors.ts';
import type { Instant } from '../model.ts';
import type { Split } from '../split.ts';
import type { ClosedIncident, Commit, CommitResult, SharedStore } from './contract.ts';
import { type Indexed, nothingIndexed } from './history-chunks.ts';
import type { RedisAddress } from './redis/address.ts';
import { connect, type Connection, ready, redisFailure, settled } from './redis/connection.ts';
import { addHistory, pruneClosed, pruneDecisions, readClosed } from './redis/history.ts';
import { queryClosed, queryDecisions } from './redis/history-query.ts';
import { inspectRedis } from './redis/inspect.ts';
import { fieldOf, type LaneKey, laneTag } from './redis/keys.ts';
import {
  changesSince,
  FORMAT,
  loadLane,
  type OutboxRow,
  readRest,
  type Timelines,
} from './redis/load.ts';
import { readSplit, recordSplit } from './redis/split.ts';
import { CHANGED_MAX, type Command, inParts, write } from './redis/scripts.ts';

const START_MS = 10_000;
/** Entries of which Redis takes the size, to tell that of all. */
const SAMPLES = 100;
/** Jobs that are remembered as decided. One at a time is taken, so the last would nearly do. */
const JOBS_MAX = 1_000;
/** A commit that came between pruning's reading and writing: it is tried again. */
const PRUNE_TRIES = 5;

export interface RedisStore extends SharedStore {
  /** What the operator should know about this Redis. */
  readonly remarks: readonly string[];
  /** How the service in it is split. */
  split(): Promise<Split>;
  /** Remembers a split; false when there is one, or a first commit, already. */
  recordSplit(split: Split): Promise<boolean>;
}

interface Open {
  readonly connection: Connection;
  readonly indexed: Map<string, Indexed>;
  readonly timelines: Timelines;
}

/** Rejects with one sentence when Redis is not there, or must not be trusted with alerts. */
export async function openRedisStore(
  address: RedisAddress,
  trouble: (error: Error) => void,
): Promise<RedisStore> {
  const connection = connect(address, 'prompt', trouble);
  try {
    await ready(connection, START_MS);
    const remarks = await inspectRedis(connection);
    await settled(connection, laneTag(address.prefix, 'any'));
    return storeOn({ connection, indexed: new Map(), timelines: new Map() }, remarks);
  } catch (error) {
    await connection.close();
    throw redisFailure(error, address);
  }
}

function storeOn(open: Open, remarks: readonly string[]): RedisStore {
  const { connection, timelines } = open;
  const { address } = connection;
  const tagOf = (lane: string) => laneTag(address.prefix, lane);
  const keysOf = (lane: string) => (key: LaneKey) => `${tagOf(lane)}:${key}`;
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw redisFailure(error, address);
    }
  };
  // What a failover may take again is not read, either: effects in it would be told, and then once more.
  const secured = async <T>(tag: string, reading: Promise<T>): Promise<T> => {
    const read = await reading;
    await expectSecured(connection, tag);
    return read;
  };
  return {
    remarks,
    split: () => told(readSplit(connection)),
    recordSplit: (split) => told(recordSplit(connection, split)),
    load: (lane) => told(secured(tagOf(lane), loadLane(connection, tagOf(lane), timelines))),
    commit: (lane, change) => told(commit(open, tagOf(lane), change)),
    changes: (lane, since) => told(changesSince(connection, tagOf(lane), since, timelines)),
    outbox: (lane) => told(secured(tagOf(lane), readRest(connection, tagOf(lane)))),
    async decided(lane, job) {
      const score = await told(connection.client.zscore(keysOf(lane)('jobs'), job));
      return score !== null;
    },
    decisions(query) {
      const key = keysOf(query.lane);
      const keys = { history: key('history'), index: key('index') };
      return told(queryDecisions(connection, keys, query));
    },
    closedIncidents(query) {
      const key = keysOf(query.lane);
      return told(queryClosed(connection, { index: key('index'), closed: key('closed') }, query));
    },
    async closedIncident(lane, id) {
      const json = await told(connection.client.hget(keysOf(lane)('closed'), fieldOf(id)));
      return readClosed(json)[0];
    },
    prune: (lane, before, limit) => told(prune(open, tagOf(lane), before, limit)),
    async bytes(lane) {
      const key = keysOf(lane);
      const keys = [key('history'), key('index'), key('closed')];
      const each = keys.map((one) => connection.client.memory('USAGE', one, 'SAMPLES', SAMPLES));
      return (await told(Promise.all(each))).reduce<number>(
        (sum, one) => sum + Number(one ?? 0),
        0,
      );
    },
    close: () => connection.close(),
  };
}

async function commit(
  { connection, indexed, timelines }: Open,
  tag: string,
  change: Commit,
): Promise<CommitResult> {
  const version = change.version + 1;
  const known = indexed.get(tag) ?? nothingIndexed();
  indexed.set(tag, known);
  // All texts are made before anything is sent: a value that is no JSON fails here.
  const commands = [
    {
      name: 'HSET',
      key: 'lane',
      args: ['wakeAt', String(change.wakeAt ?? ''), 'format', String(FORMAT)],
    },
    ...recordCommands(change, version),
    ...outboxCommands(change, version),
    ...jobCommands(change, version),
    ...addHistory(change, known, await closedBefore(connection, tag, change)),
  ] satisfies Command[];
  let done = false;
  try {
    const wrote = await write(
      connection,
      tag,
      { expected: change.version, next: version, timeline: timelines.get(tag) },
      commands,
    );
    await expectSecured(connection, tag);
    done = wrote;
  } finally {
    // What the failed commit was to index is not, or nobody can tell.
    if (!done) indexed.delete(tag);
  }
  return done ? { kind: 'committed', version } : { kind: 'stale' };
}

async function expectSecured(connection: Connection, tag: string): Promise<void> {
  if (await connection.secured(tag)) return;
  throw new AppError('store-failed', 'no replica has it in time', { retryable: true });
}

function recordCommands({ put, remove }: Commit, version: number): readonly Command[] {
  const gone = remove.map(fieldOf);
  const fields = put.flatMap(({ key, value }) => [fieldOf(key), JSON.stringify(value)]);
  const changed = [...gone, ...put.map(({ key }) => fieldOf(key))];
  if (changed.length === 0) return [];
  return [
    ...inParts('HDEL', 'records', gone),
    ...inParts('HSET', 'records', fields),
    ...inParts(
      'ZADD',
      'changed',
      changed.flatMap((field) => [String(version), field]),
    ),
    { name: 'ZREMRANGEBYRANK', key: 'changed', args: ['0', String(-CHANGED_MAX - 1)] },
  ];
}

function outboxCommands({ effects, effectsDone }: Commit, version: number): readonly Command[] {
  const rows = effects.flatMap((effect, index) => {
    const row: OutboxRow = [version, index, effect];
    return [fieldOf(effect.id), JSON.stringify(row)];
  });
  return [
    ...inParts('HDEL', 'outbox', effectsDone.map(fieldOf)),
    ...inParts('HSET', 'outbox', rows),
  ];
}

function jobCommands({ jobs }: Commit, version: number): readonly Command[] {
  if (jobs.length === 0) return [];
  return [
    ...inParts(
      'ZADD',
      'jobs',
      jobs.flatMap((job) => [String(version), job]),
    ),
    { name: 'ZREMRANGEBYRANK', key: 'jobs', args: ['0', String(-JOBS_MAX - 1)] },
  ];
}

/** An incident that is closed once more leaves the places where it stood. */
async function closedBefore(
  { client }: Connection,
  tag: string,
  { closed }: Commit,
): Promise<readonly ClosedIncident[]> {
  if (closed.length === 0) return [];
  const fields = closed.map(({ incident }) => fieldOf(incident.id));
  return (await client.hmget(`${tag}:closed`, ...fields)).flatMap(readClosed);
}

/** Prunes against the version that it read at: what a commit adds meanwhile must not be lost sight of. */
async function prune(
  { connection, indexed }: Open,
  tag: string,
  before: Instant,
  limit: number,
): Promise<number> {
  const { client } = connection;
  for (let tries = 0; tries < PRUNE_TRIES; tries++) {
    const version = Number((await client.hget(`${tag}:lane`, 'version')) ?? 0);
    const decisions = await pruneDecisions(connection, `${tag}:history`, before, limit);
    const keys = { index: `${tag}:index`, closed: `${tag}:closed` };
    const closed = await pruneClosed(connection, keys, before, limit);
    const commands = [...decisions.commands, ...closed.commands];
    if (commands.length === 0) return 0;
    indexed.delete(tag);
    const same = { expected: version, next: version };
    if (await write(connection, tag, same, commands)) return decisions.gone + closed.gone;
  }
  return 0;
}
