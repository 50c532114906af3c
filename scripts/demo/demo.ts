/**
 * `npm run demo`: plays a cascade into the running service, as Alertmanager would send it, and then
 * shows what was sent beside what Quell told.
 *
 *     npm run demo -- [--fast] [--url http://localhost:8080] [--token TOKEN] [--api-token TOKEN]
 *
 * A Quell that is connected to Slack posts for real.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createApi, type Api } from './api.ts';
import { report, table } from './report.ts';
import { type Beat, type DemoAlert, type Scenario, scenario } from './scenario.ts';
import { type Episode, webhookOf } from './webhook.ts';

/** `--fast` plays everything this many times faster. */
const FAST = 10;

const { values: flags } = parseArgs({
  options: {
    fast: { type: 'boolean', default: false },
    url: { type: 'string', default: 'http://localhost:8080' },
    token: { type: 'string' },
    'api-token': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

interface Played {
  readonly webhooks: number;
  readonly firings: number;
  readonly alerts: number;
  readonly services: number;
}

if (flags.help) {
  process.stdout.write(
    'npm run demo -- [--fast] [--url http://localhost:8080] [--token TOKEN] [--api-token TOKEN]\n' +
      'Plays a cascade into a running Quell. A Quell that is connected to Slack posts for real.\n',
  );
} else {
  process.exitCode = await demo();
}

async function demo(): Promise<number> {
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
  const { played, height } = await playAll(play, run, api, speed);
  say('');
  say(await report({ url: flags.url, api, run, played, height }));
  return 0;
}

/** What Quell would show at the height is read in the middle of it. */
async function playAll(play: Scenario, run: string, api: Api, speed: number) {
  const began = Date.now();
  const episodes = new Map<DemoAlert, Episode>();
  let height: readonly string[] | undefined;
  let webhooks = 0;
  let firings = 0;
  for (const beat of play.beats) {
    if (height === undefined && beat.at > play.heightAt) {
      await until(began, play.heightAt / speed);
      height = await api.messages(run);
    }
    await until(began, beat.at / speed);
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

async function until(began: number, seconds: number): Promise<void> {
  await setTimeout(Math.max(0, began + seconds * 1_000 - Date.now()));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
