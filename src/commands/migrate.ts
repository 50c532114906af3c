/**
 * `quell migrate`: carries everything over from a data directory to a Redis, or back. Exit code 0, or 2
 * when it could not; then the target is to be emptied before it is tried again.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { carry, type EmptyPlace, type Place } from '../service/carry.ts';
import { readSplit } from '../config/lanes.ts';
import { openSources } from '../config/sources.ts';
import { AppError, misuse } from '../errors.ts';
import { whyBusy } from '../queue/idle.ts';
import { type Split, splitInWords, WHOLE } from '../split.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { openRedisStore, type RedisStore } from '../store/redis.ts';
import { readRedisUrl, REDIS_URL_EXPECTED, type RedisAddress } from '../store/redis/address.ts';

interface MigrateFlags {
  readonly from: string;
  readonly to: string;
}

export function migrateCommand(): Command {
  return new Command('migrate')
    .summary('carry everything over from a data directory to a Redis, or back')
    .description(
      'Carries alerts, incidents, decisions and what is still to be said over from one store to another. ' +
        'Quell must be stopped on both meanwhile. The source stays as it is.',
    )
    .requiredOption('--from <place>', 'a data directory, redis://..., or QUELL_REDIS_URL')
    .requiredOption('--to <place>', 'the same; it must be empty')
    .addHelpText('after', HELP)
    .action(async (flags: MigrateFlags) => {
      await migrate(flags);
    });
}

const HELP = `
A password does not belong on a command line, where \`ps\` shows it: write QUELL_REDIS_URL as the place,
and set that, or QUELL_REDIS_URL_FILE.

  quell migrate --from ./data --to redis://localhost:6379
  quell migrate --from QUELL_REDIS_URL --to ./data

A Redis is split into lanes as QUELL_LANE_BY and QUELL_LANES say; without them, as the source is. To split
otherwise what is in a Redis, carry it over to another prefix:

  QUELL_LANE_BY=environment QUELL_LANES=production,staging \\
    quell migrate --from redis://localhost:6379 --to 'redis://localhost:6379?prefix=quell2'

Exit code: 0 well, 2 it could not be done; empty the target before you try again.`;

async function migrate({ from, to }: MigrateFlags): Promise<void> {
  if (nameOf(from) === nameOf(to)) {
    throw misuse(`${to} is the source, too: name another place to carry it to`);
  }
  const source = await openSource(from);
  try {
    const target = await openTarget(to, source.split);
    try {
      const { records, decisions, closed, effects } = await carry(source, target);
      const into = target.split.lanes.length === 0 ? '' : `, in ${splitInWords(target.split)}`;
      process.stdout.write(
        `${records} records, ${decisions} decisions, ${closed} closed incidents and ${effects} waiting effects were carried over${into}.\n`,
      );
    } finally {
      await target.store.close();
    }
  } finally {
    await source.store.close();
  }
}

async function openSource(place: string): Promise<Place> {
  const address = addressOf(place);
  if (address !== undefined) return openIdle(address);
  if (!existsSync(place)) {
    throw new AppError('no-data', `there is no directory ${place}`, { retryable: false });
  }
  return { store: await openEmbeddedStore(place), split: WHOLE };
}

/** Split as the settings say; without such settings, as the source is. A directory is one lane. */
async function openTarget(place: string, source: Split): Promise<EmptyPlace> {
  const address = addressOf(place);
  if (address === undefined)
    return { store: await openEmbeddedStore(place), split: WHOLE, claim: async () => undefined };
  const split = splitOfSettings() ?? source;
  const { store, split: there } = await openIdle(address);
  return {
    store,
    split,
    async claim() {
      // One lane is what an empty place has.
      const isOne = split.lanes.length === 0 && there.lanes.length === 0;
      if (isOne || (await store.recordSplit(split))) return;
      const message = 'there is something at the target already: migrate to an empty one';
      throw new AppError('target-not-empty', message, { retryable: false });
    },
  };
}

async function openIdle(address: RedisAddress): Promise<Place & { readonly store: RedisStore }> {
  const store = await openRedisStore(address, () => undefined);
  try {
    const split = await store.split();
    const busy = await whyBusy(address, split);
    if (busy === undefined) return { store, split };
    throw new AppError('lane-busy', busy, { retryable: false });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Undefined: nothing is set. */
function splitOfSettings(): Split | undefined {
  const { split, problems } = readSplit({ flags: {}, env: process.env, file: undefined });
  if (problems.length > 0) throw misuse(problems.join('\n'));
  return split.lanes.length === 0 ? undefined : split;
}

/** Equal for one place that is named twice. */
function nameOf(place: string): string {
  const address = addressOf(place);
  return address === undefined ? resolve(place) : `${address.shown} ${address.prefix}`;
}

/** Undefined: it is a directory. */
function addressOf(place: string): RedisAddress | undefined {
  const isNamed = place === 'QUELL_REDIS_URL';
  if (!isNamed && !/^rediss?(?:\+\w+)?:\/\//.test(place)) return undefined;
  const found = isNamed
    ? openSources({ flags: {}, env: process.env, file: undefined }).find('redisUrl')
    : undefined;
  const text = found?.kind === 'found' ? (found.value ?? '') : place;
  const address = readRedisUrl(text);
  if (address !== undefined) return address;
  const name = isNamed ? 'QUELL_REDIS_URL' : 'the address';
  throw new AppError('bad-address', `${name} ${REDIS_URL_EXPECTED}`, { retryable: false });
}
