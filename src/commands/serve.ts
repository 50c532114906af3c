/**
 * `quell serve`: the service. Puts the parts together, starts them in order, and stops them in the
 * opposite one: first nothing more comes in, then what came in is decided, then the store closes.
 */
import { Command } from 'commander';
import { readConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { startService } from '../service/service.ts';
import { createLog } from '../telemetry/log.ts';
import { withRules } from './options.ts';

/** How long the process may take to end by itself. */
const END_MS = 1_000;

interface ServeFlags {
  readonly port?: string;
  readonly host?: string;
  readonly dataDir?: string;
  readonly rules?: string;
  readonly record?: string;
  readonly logLevel?: string;
  readonly config?: string;
}

export function serveCommand(): Command {
  const command = new Command('serve').description(
    'take alerts in, decide, and tell people in Slack',
  );
  return withRules(command, 'the rules')
    .option('--port <port>', 'port to listen on (QUELL_PORT, 8080)')
    .option(
      '--host <host>',
      'address to listen on (QUELL_HOST; loopback until tokens for ingest and API are set)',
    )
    .option('--data-dir <dir>', 'where the state is kept (QUELL_DATA_DIR, ./data)')
    .option(
      '--record <file>',
      'append every accepted delivery to this file, for `quell replay` (QUELL_RECORD)',
    )
    .option(
      '--log-level <level>',
      'fatal, error, warn, info, debug or trace (QUELL_LOG_LEVEL, info)',
    )
    .option('--config <file>', 'settings file (quell.yaml, if there is one)')
    .addHelpText('after', HELP)
    .action(async (flags: ServeFlags) => {
      process.exitCode = await run(flags);
      // All is closed. A connection that a library forgot, as BullMQ may one that it was just opening, must not
      // keep the process: its supervisor would wait for it.
      setTimeout(() => process.exit(), END_MS).unref();
    });
}

const HELP = `
Environment:
  SLACK_BOT_TOKEN        xoxb-...; without it Quell shows what it would send, and sends nothing
  SLACK_APP_TOKEN        xapp-...; reactions come by Socket Mode then, no public address needed
  SLACK_SIGNING_SECRET   reactions come by POST /slack/events then
  QUELL_INGEST_TOKENS    name=token,... that senders of alerts must show
  QUELL_API_TOKEN        asked for by the pages, the read API and reload
  QUELL_REDIS_URL        redis://...; the state is kept there, and several instances are one service
  QUELL_LANE_BY          with Redis: the label that splits alerts into lanes, like environment
  QUELL_LANES            its values that have a lane of their own, like production,staging
  QUELL_PUBLIC_URL       address of this service for links in messages
  QUELL_RETENTION        how long decisions and closed incidents are kept (90d)
  QUELL_LIMITS           name=number,... for more or less than the default, like body=20mb

A secret may stand in a file that SLACK_BOT_TOKEN_FILE, SLACK_APP_TOKEN_FILE,
SLACK_SIGNING_SECRET_FILE, QUELL_INGEST_TOKENS_FILE, QUELL_API_TOKEN_FILE or
QUELL_REDIS_URL_FILE names.
Signatures, address ranges and proxies: docs/security.md.

Flags come before environment, environment before quell.yaml. See docs/operations.md.`;

async function run(flags: ServeFlags): Promise<number> {
  const { config: file, ...settings } = flags;
  const read = readConfig({ flags: settings, env: process.env, file });
  if (read.kind === 'refused') {
    for (const problem of read.problems) process.stderr.write(`${problem}\n`);
    return 2;
  }
  const log = createLog(read.config.logLevel);
  for (const remark of read.notes) log.warn(remark);
  try {
    const service = await startService(read.config, log);
    // As Prometheus and Alertmanager do. A terminal that is closed sends it, too, and means the end.
    if (!process.stdin.isTTY)
      process.on('SIGHUP', () => {
        log.info('asked to load the rules again');
        service.reload();
      });
    const asked = nextSignal();
    service.sayHello();
    const signal = await asked;
    log.info({ signal }, 'asked to stop');
    await service.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

/** A second signal ends the process at once, as usual. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => resolve(signal));
  });
}
