/**
 * A rehearsal: one recording, decided under several sets of rules side by side, by the pipeline that
 * runs live. Pure: recorded lines in, comparisons out.
 *
 * All decide each line before the next is read, so that a reaction to a message can be given to
 * whatever incident holds the same alerts under other rules.
 */
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import type { ReadLine } from '../ingest/packed.ts';
import type { Parsed } from '../ingest/parsed.ts';
import type { RecordedAlert } from '../ingest/recording.ts';
import { parseDelivery } from '../ingest/sources.ts';
import type { Alert, Event, Incident, Labels } from '../model.ts';
import { createReplay, type Replay } from '../replay.ts';
import type { Rules } from '../rules/rules.ts';
import { alertsOf, type LaneState, survivorOf } from '../state/state.ts';
import { compare, type Comparison, type Result } from './compare.ts';
import { createJudge, type Judge, type Judged } from './judge.ts';
import { createLedger, type Firing, lastOf, type LedgerWriter } from './ledger.ts';

export type Line = Exclude<ReadLine, { readonly kind: 'bad' }>;

export interface Rehearsal {
  /** Decides one line. Returns what is wrong with it, if it cannot be read. */
  readonly play: (line: Line, delivery: string) => string | undefined;
  readonly finish: () => Rehearsed;
}

export interface Rehearsed {
  /** What the rules in force make of it. */
  readonly now: Result;
  readonly judged: readonly Judged[];
  /** What each reaction was about, by the rules in force, in order. */
  readonly reactedTo: readonly (readonly RecordedAlert[])[];
  /** A comparison with them for each set that was tried. */
  readonly comparisons: readonly Comparison[];
}

interface Side {
  readonly rules: Rules;
  readonly replay: Replay;
  readonly ledger: LedgerWriter;
}

/**
 * `now` are the rules in force. What they made of the same recording before (`past`) need not be decided
 * again, if all the others read the same alerts out of it.
 */
export function createRehearsal(now: Rules, tried: readonly Rules[], past?: Rehearsed): Rehearsal {
  const known = tried.every((rules) => isAlike(rules, now)) ? past : undefined;
  const unlike = notIdentityOf([now, ...tried]);
  const areNamesAlike = namesAlike([now, ...tried]);
  const before = known === undefined ? createSide(now, unlike) : undefined;
  const others = tried.map((rules) => createSide(rules, unlike));
  const sides = before === undefined ? others : [before, ...others];
  const judge = createJudge();
  const reactedTo: (readonly RecordedAlert[])[] = [];
  return {
    play(line, delivery) {
      if (line.kind === 'delivery' || line.kind === 'alerts')
        return playDelivery(line, delivery, sides, areNamesAlike);
      for (const { replay } of sides) replay.passTo(line.at);
      if (line.kind === 'reaction') {
        const alerts =
          before === undefined
            ? (known?.reactedTo[reactedTo.length] ?? line.alerts)
            : playReaction(line, before, judge);
        reactedTo.push(alerts);
        for (const side of others)
          react(side.replay, incidentOf(side, line.incident, alerts), line);
      } else for (const side of sides) playSilence(line, side);
      return undefined;
    },
    finish() {
      const result = before === undefined ? known?.now : resultOf(before);
      if (result === undefined) throw new Error('neither decided nor known');
      const judged = known?.judged ?? judge.judged();
      const comparisons = others.map((side) => compare(result, resultOf(side), judged));
      return { now: result, judged, reactedTo, comparisons };
    },
  };
}

/** Labels that do not count in an alert's name for one of them. */
function notIdentityOf(sets: readonly Rules[]): ReadonlySet<string> {
  return new Set(sets.flatMap(({ notIdentity }) => [...notIdentity]));
}

/** All know an alert by the same name. */
export function namesAlike(sets: readonly Rules[]): boolean {
  const { size } = notIdentityOf(sets);
  return sets.every(({ notIdentity }) => notIdentity.size === size);
}

/** Both read the same alerts out of the same lines, and know them by the same names. */
function isAlike(one: Rules, other: Rules): boolean {
  const isMapped = one.mappings.size > 0 || other.mappings.size > 0;
  return !isMapped && namesAlike([one, other]);
}

type Delivery = Extract<Line, { readonly kind: 'delivery' | 'alerts' }>;

/**
 * Only a mapping makes one set of rules read a body in another way than the next. `areNamesAlike`: and
 * all know an alert by the same name, which is found out once.
 */
function playDelivery(
  line: Delivery,
  delivery: string,
  sides: readonly Side[],
  areNamesAlike: boolean,
): string | undefined {
  if (line.kind === 'alerts') {
    for (const { replay } of sides) replay.play(line.events, line.at);
    return undefined;
  }
  const { source, at, body } = line;
  let shared: Parsed | undefined;
  for (const { rules, replay } of sides) {
    const isMapped = rules.mappings.has(source);
    let parsed = isMapped ? undefined : shared;
    if (parsed === undefined) {
      parsed = parseDelivery(body, { source, delivery, at }, rules.mappings);
      if (areNamesAlike && sides.length > 1) parsed = named(parsed, rules);
      if (!isMapped) shared = parsed;
    }
    if (parsed.kind === 'refused') return parsed.error;
    replay.play(parsed.events, at);
  }
  return undefined;
}

function named(parsed: Parsed, { notIdentity }: Rules): Parsed {
  if (parsed.kind === 'refused') return parsed;
  const events = parsed.events.map((event) => {
    if (event.kind !== 'alert') return event;
    const { kind, delivery, alert } = event;
    const fingerprint = fingerprintOf(alert.source, alert.labels, notIdentity);
    return { kind, delivery, alert, fingerprint };
  });
  return { ...parsed, events };
}

function resultOf({ replay, ledger }: Side): Result {
  return { summary: replay.finish(), ledger };
}

function createSide(rules: Rules, unlike: ReadonlySet<string>): Side {
  const isSame = unlike.size === rules.notIdentity.size;
  const identify = ({ fingerprint, source, labels }: Alert): string =>
    isSame ? fingerprint : fingerprintOf(source, labels, unlike);
  const ledger = createLedger(identify);
  const replay = createReplay({
    rules,
    onMessage: undefined,
    onDecision: ledger.note,
    onPost: ledger.posted,
  });
  return { rules, replay, ledger };
}

/** People silence what they see: a request is one for the incident that holds the same alerts. */
function playSilence(
  line: Extract<Line, { readonly kind: 'request' | 'silence' }>,
  side: Side,
): void {
  if (line.kind === 'silence') return side.replay.play([line.event], line.at);
  const incident = incidentOf(side, line.incident, line.alerts);
  if (incident?.toldAt === undefined) return;
  side.replay.play([requestIn(incident.id, line)], line.at);
}

export function requestIn(
  incident: string,
  { user, text, orderedAt }: Extract<Line, { readonly kind: 'request' }>,
): Event {
  return { kind: 'request', user, text, on: { incident }, orderedAt };
}

type Reaction = Extract<Line, { readonly kind: 'reaction' }>;

/** Returns the alerts that it was about. */
function playReaction(line: Reaction, before: Side, judge: Judge): readonly RecordedAlert[] {
  const incident = incidentOf(before, line.incident, line.alerts);
  // A recording of another tool names the incident only: then these are its alerts.
  const alerts = incident === undefined ? line.alerts : membersOf(before.replay.state, incident);
  const story = before.ledger.stories.get(incident?.id ?? line.incident);
  judge.hear({
    at: line.at,
    incident: line.incident,
    gesture: before.rules.gestures.get(line.reaction),
    user: line.user,
    removed: line.removed,
    story: story === undefined ? undefined : lastOf(story),
    firings: firingsOf(before, alerts),
  });
  react(before.replay, incident, line);
  return alerts;
}

/** Nobody can react to what they were not told of: under these rules there was no message by then. */
function react(replay: Replay, incident: Incident | undefined, line: Reaction): void {
  if (incident?.toldAt === undefined) return;
  replay.play([reactionTo(incident.id, line)], line.at);
}

export function reactionTo(incident: string, line: Reaction): Event {
  return {
    kind: 'reaction',
    added: !line.removed,
    emoji: line.reaction,
    user: line.user,
    on: { incident },
    orderedAt: line.at,
  };
}

/** The incident of that id, else the one that holds most of the alerts. */
function incidentOf(
  { replay: { state }, rules }: Side,
  id: string,
  alerts: readonly RecordedAlert[],
): Incident | undefined {
  const named = state.incidents.get(id);
  if (named !== undefined) return survivorOf(state, id) ?? named;
  const votes = new Map<string, number>();
  for (const { source, labels } of alerts) {
    const alert = state.alerts.get(fingerprintOf(source, labels, rules.notIdentity));
    if (alert?.incident === undefined) continue;
    votes.set(alert.incident, (votes.get(alert.incident) ?? 0) + 1);
  }
  const [best] = [...votes].sort(([, one], [, other]) => other - one);
  return survivorOf(state, best?.[0]);
}

function membersOf(
  state: LaneState,
  { id }: Incident,
): readonly { readonly source: string; readonly labels: Labels }[] {
  return [...alertsOf(state, id)];
}

function firingsOf(
  { replay: { state }, rules, ledger }: Side,
  alerts: readonly RecordedAlert[],
): readonly Firing[] {
  return alerts.flatMap(({ source, labels }) => {
    const alert = state.alerts.get(fingerprintOf(source, labels, rules.notIdentity));
    return (alert === undefined ? undefined : ledger.ofAlert(alert)) ?? [];
  });
}
