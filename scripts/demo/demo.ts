/**
 * `npm run demo`: plays a cascade into the running service, as Alertmanager would send it, and then
 * shows what was sent beside what Quell told.
 *
 *     npm run demo -- [--fast] [--url http://localhost:8080] [--token TOKEN] [--api-token TOKEN]
 *
 * Without --url it is the port of QUELL_PORT. A Quell that is connected to Slack posts for real. Ctrl-C
 * resolves what was sent.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createApi, DemoError, type Api } from './api.ts';
import { report, table } from './report.ts';
import { type Beat, type DemoAlert, type Scenario, scenario } from './scenario.ts';
import { type Episode, webhookOf } from './webhook.ts';

/** `--fast` plays everything this many times faster. */
const FAST = 10;

const OPTIONS = {
  fast: { type: 'boolean', default: false },
  url: { type: 'string', default: `http://localhost:${portOf(process.env['QUELL_PORT'])}` },
  token: { type: 'string' },
  'api-token': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const flags = readFlags();

interface Played {
  readonly webhooks: number;
  readonly firings: number;
  readonly alerts: number;
  readonly services: number;
}

if (flags === undefined) {
  process.exitCode = 2;
} else if (flags.help) {
  process.stdout.write(
    'npm run demo -- [--fast] [--url http://localhost:8080] [--token TOKEN] [--api-token TOKEN]\n' +
      'Plays a cascade into a running Quell. A Quell that is connected to Slack posts for real.\n',
  );
} else {
  process.exitCode = await demo(flags);
}

function readFlags() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    // What parseArgs does not understand.
    if (!(error instanceof TypeError && 'code' in error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return undefined;
  }
}

type Flags = NonNullable<ReturnType<typeof readFlags>>;

/** As the service reads it; 0 would be any port. */
function portOf(text = ''): string {
  return /^[1-9]\d*$/.test(text) ? text : '8080';
}

async function demo(flags: Flags): Promise<number> {
  const api = createApi({ url: flags.url, token: flags.token, apiToken: flags['api-token'] });
  const problem = await api.problem();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    return 2;
  }
  const run = randomBytes(3).toString('hex');
  const play = scenario();
  const speed = flags.fast ? FAST : 1;
  const seconds = Math.ceil((play.beats.at(-1)?.at ?? 0) / speed);
  say(`Playing a cascade into ${flags.url}: ${seconds} s. That page shows it happening.\n`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const { played, height } = await playAll({ play, run, api, speed, signal: stop.signal });
    say('');
    say(await report({ url: flags.url, api, run, played, height }));
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    if (!(error instanceof DemoError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

interface Playing {
  readonly play: Scenario;
  readonly run: string;
  readonly api: Api;
  readonly speed: number;
  readonly signal: AbortSignal;
}

/** What Quell would show at the height is read in the middle of it. */
async function playAll(playing: Playing) {
  const episodes = new Map<DemoAlert, Episode>();
  try {
    return await playBeats(playing, episodes);
  } catch (error) {
    await resolveAll(playing, episodes);
    throw error;
  }
}

/** A demonstration that ends early leaves nothing firing, if Quell can still be told. */
async function resolveAll({ run, api }: Playing, episodes: Map<DemoAlert, Episode>): Promise<void> {
  const alerts = [...episodes].filter(([, { endsAt }]) => endsAt === undefined);
  if (alerts.length === 0) return;
  const endsAt = new Date();
  const beat: Beat = { at: 0, status: 'resolved', alerts: alerts.map(([alert]) => alert) };
  const body = webhookOf(beat, run, (alert) => ({
    startsAt: episodes.get(alert)?.startsAt ?? endsAt,
    endsAt,
  }));
  try {
    await api.send(body);
    process.stderr.write('Stopped: what fired was resolved.\n');
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
  }
}

async function playBeats(
  { play, run, api, speed, signal }: Playing,
  episodes: Map<DemoAlert, Episode>,
) {
  const began = Date.now();
  let height: readonly string[] | undefined;
  let webhooks = 0;
  let firings = 0;
  for (const beat of play.beats) {
    if (height === undefined && beat.at > play.heightAt) {
      await until(began, play.heightAt / speed, signal);
      height = await api.messages(run);
    }
    await until(began, beat.at / speed, signal);
    for (const alert of beat.alerts) episodes.set(alert, episodeIn(beat, episodes.get(alert)));
    const body = webhookOf(beat, run, (alert) => episodes.get(alert) ?? episodeIn(beat, undefined));
    await api.send(body);
    webhooks += 1;
    if (beat.status === 'firing') firings += beat.alerts.length;
    say(table(beat, speed));
  }
  const services = new Set([...episodes.keys()].map(({ service }) => service)).size;
  const played: Played = { webhooks, firings, alerts: episodes.size, services };
  return { played, height: height ?? [] };
}

function episodeIn({ status }: Beat, known: Episode | undefined): Episode {
  const now = new Date();
  if (status === 'firing') return { startsAt: now, endsAt: undefined };
  return { startsAt: known?.startsAt ?? now, endsAt: now };
}

async function until(began: number, seconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(Math.max(0, began + seconds * 1_000 - Date.now()), undefined, { signal });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
