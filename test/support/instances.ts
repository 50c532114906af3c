/**
 * Several instances of Quell on one Redis, behind something like a load balancer: what a test can kill,
 * pause and cut off, while senders go on.
 */
import { setTimeout } from 'node:timers/promises';
import { createRandom } from '../../bench/noise/random.ts';
import { type Senders, startSenders } from './alert-senders.ts';
import { type Quell, type QuellOptions, startQuell } from './quell-process.ts';
import { scratchDir } from './scratch-dir.ts';
import { type SlackForTest, slackForTest } from './slack-for-test.ts';
import { expectTruth, rulesFor } from './truth.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { within } from './within.ts';

export interface InstancesOptions {
  readonly redisUrl: string;
  /** Another address of the same Redis for one instance, by its number. */
  readonly redisUrls?: Readonly<Record<number, string>>;
  /** Of which version it is, by its number, as a main.js; this one's when none is given. */
  readonly mains?: readonly (string | undefined)[];
  readonly count?: number;
  /** Each service is in one of them; `production` when none is given. */
  readonly environments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** So many services begin to send in each wave. */
  readonly waves: number;
}

export interface Instances {
  readonly slack: SlackForTest;
  /** The first instance's line to Slack. */
  readonly slackLine: TcpProxy;
  readonly senders: Senders;
  readonly instances: readonly Quell[];
  /** The one that leads now, by what the log of each says last. */
  leader(): Promise<Quell>;
  /** Resolves when another one than this leads. */
  otherLeader(than: Quell): Promise<Quell>;
  /** Who leads which lane, when every one of these is led; of the living ones. */
  leaders(lanes: readonly string[]): Promise<ReadonlyMap<string, Quell>>;
  /** One more, or one in place of another; of the version that one was, if it is to be no other. */
  add(inPlaceOf?: Quell, main?: string): Promise<Quell>;
  /** What is said of it when something does not happen in time. */
  readonly situation: () => string;
  /** Senders end, everything is decided and told, and all of it is as it must be. */
  expectTruth(): Promise<void>;
}

/** Named `service-0`, `service-1` and so on. */
export const SERVICES_PER_WAVE = 3;
const ALERTS_PER_SERVICE = 6;
const PAUSE_MS = 40;
const LOOK_EVERY_MS = 50;
/** It takes about 6 seconds: the lock ends, and somebody looks. */
const TAKE_OVER_S = 20;
const LEADS = /this instance (leads|does not lead)/;

/** The first wave is sent from the beginning. */
export async function startInstances(options: InstancesOptions): Promise<Instances> {
  const { environments = ['production'] } = options;
  const slack = await slackForTest();
  const slackLine = await startTcpProxy(Number(new URL(slack.url).port));
  const services = Array.from({ length: options.waves * SERVICES_PER_WAVE }, (_, index) => ({
    name: `service-${index}`,
    severity: 'critical' as const,
    environment: environments[index % environments.length] ?? '',
    wave: Math.floor(index / SERVICES_PER_WAVE),
  }));
  const rulesDir = rulesFor(services.map(({ name }) => name));
  const instances: Quell[] = [];
  const slackUrlOf = (index: number): string =>
    index > 0 ? slack.url : slack.url.replace(/:\d+/, `:${slackLine.port}`);
  const start = (index: number, main = options.mains?.[index]): Promise<Quell> =>
    startQuell({ ...setUpOf(options, index, slackUrlOf(index), rulesDir), main });
  for (let index = 0; index < (options.count ?? 3); index++) instances.push(await start(index));
  let turn = 0;
  const senders = startSenders({
    url: () => `${instances[turn++ % instances.length]?.url ?? ''}/v1/ingest/alertmanager`,
    random: createRandom('1').fork('senders'),
    services,
    alertsPerService: ALERTS_PER_SERVICE,
    deliveriesPerService: Infinity,
    pauseMs: PAUSE_MS,
    answered: () => undefined,
  });
  const situation = () =>
    [slack.situation(), ...instances.map((one) => `${one.url}:\n${one.tail()}`)].join('\n');
  const all = { slack, slackLine, senders, instances, situation };
  senders.begin(0);
  return {
    ...all,
    leader: () => leaderOf(instances),
    leaders: (lanes) => leadersOf(instances, lanes),
    otherLeader: (than) => leaderOf(instances.filter((one) => one !== than)),
    async add(inPlaceOf, main) {
      const at = inPlaceOf === undefined ? instances.length : instances.indexOf(inPlaceOf);
      const added = await start(at, main);
      instances[at] = added;
      return added;
    },
    async expectTruth() {
      senders.enough();
      await within(60, 'every delivery is answered 2xx', senders.done, situation);
      await within(120, 'there is nothing left to do', settled(instances), situation);
      for (const one of instances) await expectTruth(one, senders.truth, slack);
    },
  };
}

/** Three of them of which one leads, when some of the first two of four waves are told. */
export async function startLoaded(options: Omit<InstancesOptions, 'waves'>) {
  const instances = await startInstances({ ...options, waves: 4 });
  const { situation } = instances;
  const first = await within(20, 'one leads', instances.leader(), situation);
  instances.senders.begin(1);
  await within(30, 'some are told', instances.slack.called('chat.postMessage', 2), situation);
  const takenOver = () =>
    within(TAKE_OVER_S, 'another one leads', instances.otherLeader(first), situation);
  /** The last wave comes. */
  const endsWell = async () => {
    instances.senders.begin(3);
    const told = instances.slack.called('chat.postMessage', 10);
    await within(60, 'all are told', told, situation);
    await instances.expectTruth();
  };
  return { ...instances, first, takenOver, endsWell };
}

function setUpOf(
  { redisUrl, redisUrls = {}, env = {} }: InstancesOptions,
  index: number,
  slackUrl: string,
  rulesDir: string,
): QuellOptions {
  return {
    dataDir: scratchDir('data'),
    rulesDir,
    env: {
      ...env,
      QUELL_REDIS_URL: redisUrls[index] ?? redisUrl,
      SLACK_BOT_TOKEN: 'xoxb-test',
      SLACK_API_URL: slackUrl,
    },
  };
}

async function leaderOf(instances: readonly Quell[]): Promise<Quell> {
  for (;;) {
    const found = instances.find(({ lines }) => {
      const said = lines.findLast((line) => LEADS.test(line)) ?? '';
      return LEADS.exec(said)?.[1] === 'leads';
    });
    if (found !== undefined) return found;
    await setTimeout(LOOK_EVERY_MS);
  }
}

async function leadersOf(
  instances: readonly Quell[],
  lanes: readonly string[],
): Promise<ReadonlyMap<string, Quell>> {
  for (;;) {
    const led = new Map<string, Quell>();
    for (const one of instances) for (const lane of lanesLedBy(one)) led.set(lane, one);
    if (lanes.every((lane) => led.has(lane))) return led;
    await setTimeout(LOOK_EVERY_MS);
  }
}

/** By what its log says last of each lane. */
export function lanesLedBy({ lines }: Pick<Quell, 'lines'>): ReadonlySet<string> {
  const led = new Set<string>();
  for (const line of lines) {
    const [, said] = LEADS.exec(line) ?? [];
    const [, lane = ''] = /"lane":"([^"]+)"/.exec(line) ?? [];
    if (said === 'leads') led.add(lane);
    else if (said !== undefined) led.delete(lane);
  }
  return led;
}

/**
 * What an instance knows of the inbox is a moment old: so twice in a row, a moment apart. There is
 * nothing that would tell another process.
 */
async function settled(instances: readonly Quell[]): Promise<void> {
  for (let times = 0; times < 2; times++) {
    await setTimeout(10 * LOOK_EVERY_MS);
    const before = await waiting(instances);
    if (before > 0) times = -1;
  }
}

async function waiting(instances: readonly Quell[]): Promise<number> {
  let sum = 0;
  for (const one of instances) {
    // One that does not hear Redis does not know.
    if ((await fetch(`${one.url}/-/ready`)).status !== 200) sum++;
    for (const count of await one.metrics('quell_deliveries_waiting', 'quell_outbox')) sum += count;
  }
  return sum;
}
