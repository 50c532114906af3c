/**
 * `quell migrate`: carries everything over from a data directory to a Redis, or back. Exit code 0, or 2
 * when it could not; then the target is to be emptied before it is tried again.
 */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { openSources } from '../config-sources.ts';
import { AppError } from '../errors.ts';
import { whyBusy } from '../queue/idle.ts';
import { LANE, WHOLE } from '../split.ts';
import type { Store } from '../store/contract.ts';
import { copyLane } from '../store/copy.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { openRedisStore } from '../store/redis.ts';
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

Exit code: 0 well, 2 it could not be done; empty the target before you try again.`;

async function migrate({ from, to }: MigrateFlags): Promise<void> {
  const source = await openPlace(from, 'source');
  try {
    const target = await openPlace(to, 'target');
    try {
      const { records, decisions, closed, effects } = await copyLane(source, target, LANE);
      process.stdout.write(
        `${records} records, ${decisions} decisions, ${closed} closed incidents and ${effects} waiting effects were carried over.\n`,
      );
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function openPlace(place: string, as: 'source' | 'target'): Promise<Store> {
  const address = addressOf(place);
  if (address === undefined) {
    if (as === 'source' && !existsSync(place)) {
      throw new AppError('no-data', `there is no directory ${place}`, { retryable: false });
    }
    return openEmbeddedStore(place);
  }
  const busy = await whyBusy(address, WHOLE);
  if (busy !== undefined) throw new AppError('lane-busy', busy, { retryable: false });
  return openRedisStore(address, () => undefined);
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
