/**
 * A recording, decided in virtual time by the very pipeline that runs live, with a Slack that takes
 * every message at once. Pure: lines in, messages and counts out.
 */
import { decide, runDueUntil, wakeAt } from './decide.ts';
import {
  type Alert,
  BEGINNINGS,
  type Consequence,
  type Decision,
  type Effect,
  type Event,
  type Facts,
  type Incident,
  type Instant,
  type Labels,
  type Severity,
  type Verdict,
  VERDICTS,
} from './model.ts';
import type { Rules } from './rules/rules.ts';
import { renderDigest, renderMessage, renderReply } from './slack/message.ts';
import { alertsOf, createState, type LaneState } from './state/state.ts';
import { buildView } from './view.ts';

/** One line of the messages file: the contract that outside tools read. */
export interface SentMessage {
  readonly at: string;
  readonly action: 'post' | 'update' | 'reply';
  readonly channel: string;
  readonly incident: string;
  readonly severity: Severity;
  /** All alerts of the incident at that moment, labels exactly as received. A digest has none. */
  readonly alerts: readonly { readonly labels: Labels; readonly startsAt: string }[];
  readonly root: string | undefined;
  /** The likely roots, best first. */
  readonly candidates: readonly string[];
  readonly text: string;
}

export interface ReplaySummary {
  readonly deliveries: number;
  readonly alerts: number;
  /** Episodes: alerts that began to fire, again or for the first time. */
  readonly firings: number;
  readonly incidents: number;
  readonly posts: number;
  readonly updates: number;
  readonly replies: number;
  readonly byChannel: Readonly<Record<string, number>>;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly consequences: Readonly<Partial<Record<Consequence, number>>>;
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
}

export interface Replay {
  /** Decides the events of one line at its instant; what was due before is decided first. */
  readonly play: (events: readonly Event[], at: Instant) => void;
  /** Decides what is due by then. Before a look at `state`: what people react to, time may have brought. */
  readonly passTo: (at: Instant) => void;
  /** Lets time run on until nothing is due that could still send a message. */
  readonly finish: () => ReplaySummary;
  /** To look at, as it stands after the last line. */
  readonly state: LaneState;
}

/** What a message stands for, as it was when it was sent. */
export interface MessageSubject {
  readonly effect: Effect;
  /** Undefined for a digest. */
  readonly incident: Incident | undefined;
  readonly alerts: readonly Alert[];
}

/** After the last line, time runs on for this long: holds elapse, but nothing is missed that was not recorded. */
const AFTERWARDS_MS = 10 * 60_000;

interface ReplayOptions {
  readonly rules: Rules;
  /** Undefined: messages are counted only, which is faster. */
  readonly onMessage: ((message: SentMessage, subject: MessageSubject) => void) | undefined;
  /** `state` is as the whole event left it. */
  readonly onDecision?: (decision: Decision, state: LaneState) => void;
  /** A new message; without an incident it is a digest. Costs no rendering. */
  readonly onPost?: (channel: string, incident: Incident | undefined) => void;
}

/** A replay that goes on. */
interface Run extends ReplayOptions {
  readonly state: LaneState;
  readonly counts: Counts;
  readonly outbox: Map<string, Effect>;
}

export function createReplay(options: ReplayOptions): Replay {
  const rules = { ...options.rules, normalise: remembering(options.rules.normalise) };
  const state = createState('default');
  const counts = emptyCounts();
  const run: Run = { ...options, rules, state, counts, outbox: new Map() };
  let now = 0;
  const step = (event: Event, at: Instant) => {
    decideOne(run, event, at);
    sendAll(run, at);
  };
  const passTo = (at: Instant) => {
    now = runDueUntil(state, Math.max(now, at), now, Number.POSITIVE_INFINITY, step).now;
  };
  return {
    passTo,
    play(events, at) {
      counts.from ??= at;
      if (counts.deliveries === 0) step({ kind: 'started' }, at);
      passTo(at);
      counts.deliveries++;
      // As the service does: what one delivery brings is decided as a whole before anything is sent.
      for (const event of events) decideOne(run, event, now);
      sendAll(run, now);
    },
    finish() {
      const end = now + AFTERWARDS_MS;
      counts.to = now;
      // A recording that stops says nothing: what it last said stays so, and no heartbeat stays away.
      for (const { name, incident } of state.heartbeats.values())
        if (incident === undefined) state.heartbeats.delete(name);
      while ((wakeAt(state) ?? Number.POSITIVE_INFINITY) <= end) {
        now = runDueUntil(state, Math.min(end, wakeAt(state) ?? end), now, 1, step).now;
      }
      return summarise(counts);
    },
    state,
  };
}

/** What is read ahead says the same with the same objects (ingest/packed.ts): that is read out of them once. */
function remembering(normalise: Rules['normalise']): Rules['normalise'] {
  const known = new WeakMap<Labels, { readonly annotations: Labels; readonly facts: Facts }>();
  return (alert) => {
    const { labels, annotations } = alert;
    const before = known.get(labels);
    if (before?.annotations === annotations) return before.facts;
    const facts = normalise(alert);
    known.set(labels, { annotations, facts });
    return facts;
  };
}

interface Counts {
  deliveries: number;
  alerts: number;
  firings: number;
  posts: number;
  updates: number;
  replies: number;
  from: Instant | undefined;
  to: Instant | undefined;
  readonly told: Set<string>;
  readonly channels: Map<string, number>;
  readonly reasons: Map<string, number>;
  readonly verdicts: Map<Verdict, number>;
}

function emptyCounts(): Counts {
  return {
    deliveries: 0,
    alerts: 0,
    firings: 0,
    posts: 0,
    updates: 0,
    replies: 0,
    from: undefined,
    to: undefined,
    told: new Set(),
    channels: new Map(),
    reasons: new Map(),
    verdicts: new Map(),
  };
}

function decideOne(run: Run, event: Event, at: Instant): void {
  const { state, counts, outbox } = run;
  const outcome = decide(state, event, at, run.rules);
  if (outcome.verdict !== undefined) {
    counts.alerts++;
    if (BEGINNINGS.has(outcome.verdict)) counts.firings++;
    counts.verdicts.set(outcome.verdict, (counts.verdicts.get(outcome.verdict) ?? 0) + 1);
  }
  for (const decision of outcome.decisions) {
    counts.reasons.set(decision.reason, (counts.reasons.get(decision.reason) ?? 0) + 1);
    run.onDecision?.(decision, state);
  }
  for (const id of outcome.effectsDone) outbox.delete(id);
  for (const effect of outcome.effects) outbox.set(effect.id, effect);
  if (state.changed.size + state.changedAlerts.size + state.closed.length >= FORGOTTEN_TOGETHER)
    forgetChanges(state);
}

/** What changed is for a store, and there is none here. To empty a set costs as much as to make one. */
const FORGOTTEN_TOGETHER = 1_000;

function forgetChanges(state: LaneState): void {
  state.changed.clear();
  state.changedAlerts.clear();
  state.pasts.changed.clear();
  state.weights.changed = 0;
  state.closed.length = 0;
}

/** Slack's answer is an event like any other; what it leads to is sent as well. */
function sendAll(run: Run, at: Instant): void {
  const { outbox } = run;
  for (const [id, effect] of outbox) {
    outbox.delete(id);
    decideOne(run, send(run, effect, at), at);
  }
}

/** What the stand-in for Slack does with an effect, and its answer. */
function send(run: Run, effect: Effect, at: Instant): Event {
  const { state, counts } = run;
  const incident = effect.kind === 'digest' ? undefined : state.incidents.get(effect.incident);
  const action = actionOf(effect, incident);
  if (action === undefined)
    return { kind: 'delivered', effect: effect.id, outcome: { kind: 'gone' } };
  counts[COUNTED[action]]++;
  if (action === 'post') {
    counts.channels.set(effect.channel, (counts.channels.get(effect.channel) ?? 0) + 1);
    run.onPost?.(effect.channel, incident);
  }
  if (incident !== undefined) counts.told.add(incident.id);
  if (run.onMessage !== undefined) {
    const alerts = incidentsIn(state, effect, incident).flatMap((id) => [...alertsOf(state, id)]);
    const subject = { effect, incident, alerts };
    run.onMessage(messageOf(run, subject, action, at), subject);
  }
  const standing = effect.kind === 'digest' ? effect.message : incident?.message;
  const message = (action === 'update' ? standing : undefined) ?? {
    channel: effect.channel,
    ts: `${at}.${counts.posts + counts.replies}`,
  };
  const outcome = { kind: 'sent', message, revision: incident?.revision ?? 0 } as const;
  return { kind: 'delivered', effect: effect.id, outcome };
}

const COUNTED = { post: 'posts', update: 'updates', reply: 'replies' } as const;

/** Undefined: there is nothing to say any more, as of an incident that became part of another unseen. */
function actionOf(
  effect: Effect,
  incident: Incident | undefined,
): SentMessage['action'] | undefined {
  if (effect.kind === 'reply') return 'reply';
  if (effect.kind === 'digest') return effect.message === undefined ? 'post' : 'update';
  if (incident === undefined) return undefined;
  if (incident.message !== undefined) return 'update';
  return incident.mergedInto === undefined ? 'post' : undefined;
}

function messageOf(
  run: Run,
  subject: MessageSubject,
  action: SentMessage['action'],
  at: Instant,
): SentMessage {
  const { effect, incident, alerts } = subject;
  return {
    at: new Date(at).toISOString(),
    action,
    channel: effect.channel,
    incident: incident?.id ?? effect.id,
    severity: effect.severity,
    // A digest lists incidents and is none: its alerts do not belong together.
    alerts: effect.kind === 'digest' ? [] : alerts.map(alertLine),
    root: incident?.roots[0]?.service,
    candidates: incident?.roots.map((root) => root.service) ?? [],
    text: textOf(run, subject, at),
  };
}

/** What a message stands for: a storm and a digest for many incidents. */
function incidentsIn(
  state: LaneState,
  effect: Effect,
  incident: Incident | undefined,
): readonly string[] {
  if (effect.kind === 'digest') return effect.lines.map((line) => line.incident);
  return incident?.special === 'storm' ? [...state.stormed] : [effect.incident];
}

function alertLine(alert: Alert): SentMessage['alerts'][number] {
  return { labels: alert.labels, startsAt: new Date(alert.startsAt).toISOString() };
}

function textOf({ state, rules }: Run, { effect, incident }: MessageSubject, at: Instant): string {
  if (effect.kind === 'digest') return renderDigest(effect).text;
  if (incident === undefined) return '';
  const view = buildView(state, incident, rules, at, undefined);
  return effect.kind === 'reply'
    ? renderReply(effect.reply, view, rules.people).text
    : renderMessage(view).text;
}

function summarise(counts: Counts): ReplaySummary {
  const verdicts = Object.keys(VERDICTS) as Verdict[];
  return {
    deliveries: counts.deliveries,
    alerts: counts.alerts,
    firings: counts.firings,
    incidents: counts.told.size,
    posts: counts.posts,
    updates: counts.updates,
    replies: counts.replies,
    byChannel: Object.fromEntries(counts.channels),
    verdicts: Object.fromEntries(
      verdicts.map((name) => [name, counts.verdicts.get(name) ?? 0]),
    ) as Record<Verdict, number>,
    consequences: Object.fromEntries([...counts.reasons].filter(([name]) => !(name in VERDICTS))),
    from: counts.from,
    to: counts.to,
  };
}
