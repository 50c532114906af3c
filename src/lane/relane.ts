/**
 * What a service remembers, put into other lanes: for whoever carries it over to a place that is split
 * otherwise. Nothing may be at work on it.
 *
 * An incident and its alerts stay together, in the lane that its firing alerts belong to from now on; an
 * incident that would have to be in two is an objection, because its message can only be in one.
 */
import { AppError } from '../errors.ts';
import type { DigestLine, Effect, Incident } from '../model.ts';
import type { Chronic, Digest, KeptSilence, Parting } from '../state/small-records.ts';
import { LANE, laneNames, laneOf, type Split } from '../split.ts';
import { restore } from '../state/restore.ts';
import { keyOf, readKey } from '../state/keys.ts';
import { alertsOf, createState, type LaneState } from '../state/state.ts';
import type { StateRecord } from '../store/contract.ts';

export interface LaneContents {
  readonly lane: string;
  readonly records: readonly StateRecord[];
  readonly outbox: readonly Effect[];
}

interface Target {
  readonly records: Map<string, unknown>;
  readonly outbox: Effect[];
}

/** Throws `cannot-split` with one sentence that says what to wait for. */
export function relane(sources: readonly LaneContents[], split: Split): readonly LaneContents[] {
  const targets = new Map<string, Target>(
    laneNames(split).map((lane) => [lane, { records: new Map(), outbox: [] }]),
  );
  for (const source of sources) {
    const state = createState(source.lane);
    restore(state, source.records);
    object(state, source.outbox);
    move(source, state, split, targets);
  }
  return [...targets].map(([lane, { records, outbox }]) => ({
    lane,
    records: [...records].map(([key, value]) => ({ key, value })),
    outbox,
  }));
}

/** What stands for several incidents at once cannot be parted. */
function object({ storm }: LaneState, outbox: readonly Effect[]): void {
  if (storm !== undefined) throw refused('a storm is on: wait until it is over');
  if (outbox.some(({ kind }) => kind === 'digest'))
    throw refused('a digest waits for Slack: start Quell, and stop it when that is sent');
}

function refused(why: string): AppError {
  const message = `it cannot be put into other lanes now: ${why}`;
  return new AppError('cannot-split', message, { retryable: false });
}

function move(
  { lane: from, records, outbox }: LaneContents,
  state: LaneState,
  split: Split,
  targets: ReadonlyMap<string, Target>,
): void {
  const lanes = new Map<string, string>();
  for (const incident of state.incidents.values())
    lanes.set(incident.id, laneOfIncident(state, incident, split));
  for (const { key, value } of records) {
    const lane = laneOfRecord(key, state, lanes, split);
    if (lane !== undefined) putOnce(targets.get(lane), key, value);
  }
  for (const kept of state.silences.values())
    for (const { records: all } of targets.values()) addSilence(all, kept);
  for (const [key, one] of rememberedOf(state))
    for (const { records: all } of targets.values()) addNewer(all, key, one);
  for (const digest of state.digests.values()) moveDigest(digest, from, lanes, targets);
  for (const effect of outbox) {
    const lane = 'incident' in effect ? lanes.get(effect.incident) : undefined;
    targets.get(lane ?? LANE)?.outbox.push(effect);
  }
}

function putOnce(target: Target | undefined, key: string, value: unknown): void {
  if (target?.records.has(key) === true) throw refused(`${key} is in two lanes`);
  target?.records.set(key, value);
}

/** Undefined for what is not in one lane: silences, partings, what is chronic, digests, and what is soon learnt anew. */
function laneOfRecord(
  key: string,
  { alerts }: LaneState,
  lanes: ReadonlyMap<string, string>,
  split: Split,
): string | undefined {
  const alert = alerts.get(key);
  if (alert !== undefined) return lanes.get(alert.incident ?? '') ?? laneOf(split, alert.labels);
  const { kind, name } = readKey(key);
  if (['digest', 'silence', 'late', 'lately', 'common', 'parting', 'chronic'].includes(kind))
    return undefined;
  if (kind === 'past') return lanes.get(name.split('/', 1)[0] ?? '');
  return kind === 'i' ? lanes.get(name) : LANE;
}

/** One that became part of another stays with it. */
function laneOfIncident(state: LaneState, incident: Incident, split: Split): string {
  const whole = state.incidents.get(incident.mergedInto ?? '');
  if (whole !== undefined && whole !== incident) return laneOfIncident(state, whole, split);
  const members = [...alertsOf(state, incident.id)];
  const firing = members.filter(({ status }) => status === 'firing');
  const lanes = new Set(firing.map(({ labels }) => laneOf(split, labels)));
  if (lanes.size > 1) {
    const all = [...lanes].sort().join(' and ');
    throw refused(`alerts of ${all} fire in incident ${incident.id}: wait until it is over`);
  }
  const [only] = lanes;
  return only ?? (members[0] === undefined ? LANE : laneOf(split, members[0].labels));
}

/** It is in all lanes; of two that have one id the newer one counts. */
function addSilence(records: Map<string, unknown>, kept: KeptSilence): void {
  const key = keyOf('silence', kept.silence.id);
  // Only this function puts records of silences.
  const there = records.get(key) as KeptSilence | undefined;
  if (there === undefined || there.updatedAt < kept.updatedAt) records.set(key, kept);
}

function* rememberedOf({ partings, chronic }: LaneState): Generator<[string, Parting | Chronic]> {
  for (const [name, one] of partings) yield [keyOf('parting', name), one];
  for (const [name, one] of chronic) yield [keyOf('chronic', name), one];
}

/** The same: an alert that it is about may be in any lane. */
function addNewer(records: Map<string, unknown>, key: string, one: Parting | Chronic): void {
  // Only this function puts records of these two kinds.
  const there = records.get(key) as Parting | Chronic | undefined;
  if (there === undefined || there.at < one.at) records.set(key, one);
}

/** Each line goes with its incident. The message stays with one of them: in the others the next one is posted. */
function moveDigest(
  digest: Digest,
  from: string,
  lanes: ReadonlyMap<string, string>,
  targets: ReadonlyMap<string, Target>,
): void {
  const home = targets.has(from) ? from : LANE;
  const key = keyOf('digest', digest.channel);
  for (const [lane, { records }] of targets) {
    const isOf = ({ incident }: DigestLine) => (lanes.get(incident) ?? home) === lane;
    const lines = digest.lines.filter(isOf);
    if (lines.length === 0 && lane !== home) continue;
    // Only this function puts records of digests.
    const there = records.get(key) as Digest | undefined;
    const message = there?.message ?? (lane === home ? digest.message : undefined);
    records.set(key, {
      channel: digest.channel,
      from: Math.min(digest.from, there?.from ?? digest.from),
      dueAt: there?.dueAt ?? digest.dueAt,
      message,
      lines: [...(there?.lines ?? []), ...lines],
    } satisfies Digest);
  }
}
