/**
 * The service as a whole: its parts, put together, started in order, and stopped in the opposite one.
 * No policy lives here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Backing, type BackingOptions, makeDataDir, openBacking } from './backing.ts';
import { type Config, isLoopback } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { ingestHandler } from '../ingest/http.ts';
import { type Journal, type JournalDeps, journalDir, openJournal } from '../ingest/journal.ts';
import { type JournalSpan, readJournal } from '../ingest/journal-read.ts';
import { keepPeople } from '../ingest/keep-people.ts';
import { openRecorder, type Recorder, type RecorderDeps } from '../ingest/recorder.ts';
import type { LaneObserver } from '../lane/batch.ts';
import type { Clock } from '../lane/clock.ts';
import type { Lane } from '../lane/lane.ts';
import { type Lanes, ownerOf } from '../lane/lanes.ts';
import { LOST_SOURCE_MS, lostSources } from '../life/lost-source.ts';
import { limitNamed } from '../limits.ts';
import { CONSEQUENCES, type Decision, type Instant } from '../model.ts';
import type { LoadResult } from '../rules/compile.ts';
import { formatDiagnostics } from '../rules/files/diagnostics.ts';
import type { Rules } from '../rules/rules.ts';
import { keepRules, type RulesKeeper } from '../rules/files/watch.ts';
import { connectSlack, type Slack } from '../slack/connect.ts';
import type { EventRefusal } from '../slack/events-http.ts';
import { renderMessage } from '../slack/message.ts';
import type { DeliveryClock } from '../slack/pace.ts';
import type { PreviewMessage as SlackPreview } from '../slack/preview.ts';
import type { LaneState } from '../state/state.ts';
import { watchLevels } from './levels.ts';
import { keepRetention } from './retention.ts';
import { createHealth } from '../telemetry/health.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createSeldom } from '../telemetry/seldom.ts';
import { buildView, type MessageView } from '../view.ts';
import { type Reloaded } from '../web/app.ts';
import { pastOfMessage } from '../web/find.ts';
import type { GuardOptions } from '../web/guard.ts';
import type { PreviewMessage } from '../web/overview-page.ts';
import { peopleOf } from '../web/people.ts';
import { createHttpServer, type HttpServer } from '../web/server.ts';

/** Lines about refusals of one kind in a minute. */
const REFUSALS_LOGGED_MAX = 10;
/** setTimeout takes no longer delay; whoever is woken early goes back to sleep. */
const SLEEP_MAX_MS = 2 ** 31 - 1;

const clock: Clock & DeliveryClock = {
  now: Date.now,
  wakeAt(at, callback) {
    const timer = setTimeout(callback, Math.min(SLEEP_MAX_MS, Math.max(0, at - Date.now())));
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(wake, ms);
      function wake(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      }
      signal.addEventListener('abort', wake);
    }),
};

export interface Service {
  readonly port: number;
  /** That it is ready, to the log: whoever waits for that may send the next signal at once. */
  sayHello(): void;
  /** Loads the rules again; the log says what came of it. */
  reload(): void;
  /** Requests in flight end, what came in is decided, the store closes. */
  stop(): Promise<void>;
}

/** Rejects with an AppError that says what to do when a part cannot start. */
export async function startService(config: Config, log: Log): Promise<Service> {
  const metrics = createMetrics(config.limits);
  const parts: Parts = { lanes: undefined, slack: undefined };
  const keeper = await loadRules(config.rulesDir, metrics, log, () => parts.lanes);
  const server = createHttpServer({ limits: config.limits, metrics });
  // Before the store is open, which takes a while with much in it: probes hear that the process lives, and senders
  // that they are to try again.
  const port = await server.listen(config.host, config.port);
  try {
    const stop = await open(config, { parts, keeper, server, metrics, log });
    return {
      port,
      sayHello: () => sayHello(config, port, keeper, log),
      reload: () => void keeper.reload(),
      stop,
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Those that others ask for before they are there. */
interface Parts {
  lanes: Lanes | undefined;
  slack: Slack | undefined;
}

interface Ground {
  readonly parts: Parts;
  readonly keeper: RulesKeeper;
  readonly server: HttpServer;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** All but rules and port; the way to stop all of it. */
async function open(config: Config, ground: Ground): Promise<Service['stop']> {
  const { parts, keeper, server, metrics, log } = ground;
  const recorder = recorderOf(config, { log, metrics });
  await makeDataDir(config.dataDir);
  const rules = keeper.rules();
  const backing = await standOn(config, {
    rules,
    clock,
    observer: observer(metrics, log),
    log,
    leads: () => parts.slack?.catchUp(),
  });
  const { store, history, lanes } = backing;
  parts.lanes = lanes;
  // They may have been edited while the store was opened.
  if (keeper.rules() !== rules) lanes.useRules(keeper.rules());
  // After the store: whoever has that has the directory to itself.
  const journal = await journalOf(config, { also: recorder, log, metrics });
  const record = (at: Instant, line: Uint8Array) => journal.line(at, line);
  const people = keepPeople(lanes, atOnce(journal), (message) => pastOfMessage(history, message));
  const slack = connectSlack({
    config: config.slack,
    lanes: people,
    look: (lane) => (id) => lookAt(lane, id, config.publicUrl),
    clock,
    random: Math.random,
    log,
    called: (method, answer, seconds) => metrics.slackCall(method, answer, seconds),
    refused: eventRefusals(metrics, log),
  });
  parts.slack = slack;
  for (const [lane, delivery] of slack.deliveries) lane.attach(delivery);
  watchLevels(metrics, { lanes, slack, rules: keeper.inForce, now: clock.now });
  server.open({
    ingest: ingestHandler({ ...doorOf(config), lanes: () => lanes, log, metrics, record }),
    lanes: () => people,
    store: history,
    now: clock.now,
    recording: (span) => readKept(journal, config.dataDir, span),
    health: createHealth([{ name: 'the store', ready: () => lanes.ready }]),
    metrics,
    log,
    access: accessOf(config),
    reload: () => reload(keeper),
    rulesRefused: () => refusedBy(keeper.last()),
    ...slackSide(slack, lanes, config),
  });
  slack.start();
  const past = { store, journal, lanes, ...pastOf(config) };
  const retention = keepRetention({ ...past, now: clock.now, log, metrics });
  return async () => {
    log.info('stopping: requests in flight end, nothing new is taken');
    await server.close();
    await slack.stop();
    await lanes.stop();
    await retention.stop();
    keeper.stop();
    await journal.close();
    await store.close();
    log.info('stopped');
  };
}

async function* readKept(journal: Journal, dataDir: string, span: JournalSpan) {
  await journal.flush();
  yield* readJournal(journalDir(dataDir), span);
}

function journalOf({ dataDir, limits }: Config, deps: Omit<JournalDeps, 'limits'>) {
  return openJournal(journalDir(dataDir), clock.now(), { ...deps, limits });
}

function pastOf({ limits, retentionMs }: Config) {
  return { limits, retentionMs };
}

function doorOf({ ingest, limits }: Config) {
  return { auth: ingest, limits };
}

function accessOf({ api, ingest, publicUrl, host }: Config): GuardOptions {
  return { ...api, proxies: ingest.proxies, publicUrl, loopbackOnly: isLoopback(host) };
}

async function standOn(config: Config, options: BackingOptions): Promise<Backing> {
  if (config.redis === undefined) return openBacking(config, options);
  // Redis and BullMQ take 20 MB of memory that one process does not need.
  const { openSharedBacking } = await import('./shared-backing.ts');
  return openSharedBacking(config, config.redis, options);
}

function recorderOf({ record, limits }: Config, deps: RecorderDeps): Recorder | undefined {
  if (record === undefined) return undefined;
  return openRecorder(record, { ...deps, bytesMax: limits.recorded });
}

/** Counted, and now and then told: whoever reaches the address could fill the log otherwise. */
function eventRefusals(metrics: Metrics, log: Log): (reason: EventRefusal) => void {
  const seldom = createSeldom({ now: clock.now, max: REFUSALS_LOGGED_MAX });
  return (reason) => {
    if (reason === 'too-large' || reason === 'too-many') metrics.limitReached('slack-event');
    else metrics.authFailed('slack', reason);
    const leftOut = seldom(reason);
    if (leftOut === undefined) return;
    log.warn({ reason, leftOut }, 'a request to /slack/events was not believed');
  };
}

/** Whoever gave Slack the address finds out why nothing comes of it. */
function refuseEvents({ appToken, botToken }: Config['slack']) {
  const missing =
    botToken === undefined ? 'SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET' : 'SLACK_SIGNING_SECRET';
  const error =
    appToken === undefined
      ? `events are not taken here yet: set ${missing}`
      : 'events come by Socket Mode: to take them here, set SLACK_SIGNING_SECRET and unset SLACK_APP_TOKEN';
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ error })}\n`);
  };
}

/** On a page nobody shows the name behind an id, as Slack does. */
function textOf(
  lanes: Lanes,
  id: string,
  publicUrl: string | undefined,
  nameOf: Slack['nameOf'],
): string | undefined {
  const view = viewOf(ownerOf(lanes, { incident: id }), id, publicUrl);
  if (view === undefined) return undefined;
  return renderMessage({ ...view, people: peopleOf({ nameOf }, view) }).text;
}

function pagePreview(message: SlackPreview): PreviewMessage {
  const { postedAt, updatedAt, channel, text, replies } = message;
  return {
    at: updatedAt,
    action: updatedAt > postedAt ? 'update' : 'post',
    channel,
    incident: undefined,
    text: [text, ...replies].join('\n\n'),
  };
}

async function loadRules(
  dir: string,
  metrics: Metrics,
  log: Log,
  lanes: () => Lanes | undefined,
): Promise<RulesKeeper> {
  const kept = await keepRules(dir, {
    onChange(loaded, isSame) {
      const { version } = loaded.rules;
      metrics.rules('loaded', version);
      if (isSame) log.info({ version }, 'the rules are the same, of another commit');
      else log.info({ version, files: loaded.files }, 'other rules are in force');
      lanes()?.useRules(loaded.rules);
      for (const lane of lanes()?.all ?? [])
        if (lane.leads) warnOfLost(lane.state, loaded.rules, log);
    },
    onSame(loaded, mended) {
      const { version } = loaded.rules;
      metrics.rules('loaded', version);
      if (mended) log.info({ version }, 'the rules are well again: they are those in force');
    },
    onRefused({ errors }) {
      metrics.rules('refused', undefined);
      for (const { message } of errors) {
        const limit = limitNamed(message);
        if (limit !== undefined) metrics.limitReached(limit);
      }
      const diagnostics = formatDiagnostics(errors);
      const fields = { folder: dir, errors: errors.length, diagnostics };
      log.error(fields, 'the rules have mistakes: those in force stay');
    },
  });
  if (kept.kind === 'refused') {
    const message = `${formatDiagnostics(kept.errors)}\nThe rules in ${dir} have mistakes: Quell does not start without rules.`;
    throw new AppError('rules-refused', message, { retryable: false });
  }
  metrics.rules('loaded', kept.keeper.rules().version);
  return kept.keeper;
}

function warnOfLost(state: LaneState, rules: Rules, log: Log): void {
  const endInMinutes = LOST_SOURCE_MS / 60_000;
  for (const [source, alerts] of lostSources(state, rules))
    log.warn({ source, alerts, endInMinutes }, 'a mapping is gone, and what fires of it will end');
}

async function reload(keeper: RulesKeeper): Promise<Reloaded> {
  const result = await keeper.reload();
  if (result.kind === 'loaded') return { kind: 'loaded', version: result.rules.version };
  const unchanged = `The rules in force are unchanged (${keeper.rules().version}).`;
  return { kind: 'refused', diagnostics: `${refusedBy(result)}\n${unchanged}` };
}

function refusedBy(result: LoadResult): string | undefined {
  return result.kind === 'refused' ? formatDiagnostics(result.errors) : undefined;
}

function lookAt(lane: Lane, id: string, publicUrl: string | undefined) {
  const incident = lane.state.incidents.get(id);
  const view = viewOf(lane, id, publicUrl);
  if (incident === undefined || view === undefined) return undefined;
  const { message, toldAt, sentRevision } = incident;
  return { view, message, toldAt, sentRevision };
}

function viewOf(
  lane: Lane | undefined,
  id: string,
  publicUrl: string | undefined,
): MessageView | undefined {
  const incident = lane?.state.incidents.get(id);
  return lane === undefined || incident === undefined
    ? undefined
    : buildView(lane.state, incident, lane.rules, clock.now(), publicUrl);
}

/** What people say is little, and what a rehearsal is judged by: it is not gathered, as deliveries are. */
function atOnce(journal: Journal) {
  return (at: Instant, line: string): void => {
    journal.line(at, Buffer.from(line));
    void journal.flush();
  };
}

/** What is decided about incidents is worth a line; what is decided about single alerts only on request. */
function observer(metrics: Metrics, log: Log): LaneObserver {
  return {
    decided(verdict, decisions) {
      metrics.decided(verdict, decisions);
      for (const decision of decisions) logDecision(log, decision);
    },
    committed: (ms) => metrics.committed(ms / 1000),
    failed: (error) => log.error({ error }, 'the lane failed and is loaded anew'),
  };
}

function logDecision(log: Log, decision: Decision): void {
  const level = Object.hasOwn(CONSEQUENCES, decision.reason) ? 'info' : 'debug';
  if (!log.isLevelEnabled(level)) return;
  const { at: _, ...fields } = decision;
  log[level](fields, 'decided');
}

/** What the pages and the API ask Slack's side. */
function slackSide(slack: Slack, lanes: Lanes, config: Config) {
  const { nameOf } = slack;
  return {
    nameOf,
    messageText: (id: string) => textOf(lanes, id, config.publicUrl, nameOf),
    missed: (incident: string) => missedBy(slack, incident),
    previewMessages: () => slack.preview?.().map(pagePreview),
    slackEvents: slack.events ?? refuseEvents(config.slack),
  };
}

function missedBy({ deliveries }: Slack, incident: string): string | undefined {
  for (const delivery of deliveries.values()) {
    const missed = delivery.missed(incident);
    if (missed !== undefined) return missed;
  }
  return undefined;
}

function sayHello(config: Config, port: number, keeper: RulesKeeper, log: Log): void {
  const host = config.host === '0.0.0.0' || config.host === '127.0.0.1' ? 'localhost' : config.host;
  const { version, catalog } = keeper.rules();
  log.info(
    { url: `http://${host}:${port}`, rules: version, services: catalog.services.size },
    'Quell is ready',
  );
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 22)
    log.warn(
      { node: process.version },
      'this version of Node.js gets no security fixes any more: use 24',
    );
}
