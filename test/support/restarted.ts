/**
 * Lanes that are played side by side: one that was never stopped, and others that began in the middle with what it
 * had committed until then. What each of them commits is one text, so that they can be compared.
 */
import { createBatch } from '../../src/lane/batch.ts';
import { runDueUntil, wakeAt } from '../../src/decide.ts';
import { aboutLive } from '../../src/explain/about.ts';
import { otherwise } from '../../src/explain/otherwise.ts';
import type { Effect, Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { renderDigest, renderMessage, renderReply } from '../../src/slack/message.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState } from '../../src/state/state.ts';
import type { Commit } from '../../src/store/contract.ts';
import { buildView } from '../../src/view.ts';

const OBSERVER = { decided: () => undefined, committed: () => undefined, failed: () => undefined };

/** What a store has, as it has it: texts. */
interface Disk {
  wakeAt: number | undefined;
  readonly records: Map<string, string>;
  readonly outbox: Map<string, string>;
  /** What was committed, for whoever brings it to another store and takes it off here. */
  readonly log: Taken[];
}

type Taken = Omit<Commit, 'version' | 'jobs'>;

export interface Run {
  readonly state: LaneState;
  readonly disk: Disk;
  now: number;
}

/** What happens at one instant: the same to all that are played. */
export interface Happening {
  readonly at: number;
  readonly rules: Rules;
  readonly events: readonly Event[];
  readonly isSlackAway: boolean;
}

export function freshRun(at: number, rules: Rules): Run {
  const run = { state: createState('default'), disk: emptyDisk(), now: at };
  commit(run, rules, (decide) => decide({ kind: 'started' }, at));
  return run;
}

/** The process died, and has what is on the disk. It has yet to begin. */
export function restored({ disk, now }: Run): Run {
  const state = createState('default');
  const records = [...disk.records].map(([key, json]) => ({ key, value: JSON.parse(json) }));
  restore(state, records);
  const copy = { ...disk, records: new Map(disk.records), outbox: new Map(disk.outbox), log: [] };
  return { state, disk: copy, now };
}

/** A start, as it is for whoever has just loaded. */
export function begin(run: Run, rules: Rules): readonly string[] {
  run.state.decidedUntil = run.disk.wakeAt;
  return commit(run, rules, (decide) => {
    decide({ kind: 'started' }, run.now);
    runDueUntil(run.state, run.now, run.now, 100_000, decide);
  });
}

/** Returns a line for each thing that was decided, ordered, said, shown or written to the history. */
export function play(run: Run, { at, rules, events, isSlackAway }: Happening): readonly string[] {
  const said = commit(run, rules, (decide) => {
    run.now = runDueUntil(run.state, at, run.now, 100_000, decide).now;
    for (const event of events) decide(event, run.now);
    runDueUntil(run.state, run.now, run.now, 100_000, decide);
  });
  return isSlackAway ? said : [...said, ...answer(run, rules)];
}

type Decide = (event: Event, now: number) => void;

function commit(run: Run, rules: Rules, work: (decide: Decide) => void): readonly string[] {
  const { state, disk } = run;
  const batch = createBatch(state, rules, OBSERVER);
  work(batch.decide);
  const taken = batch.take();
  for (const key of taken.remove) disk.records.delete(key);
  for (const { key, value } of taken.put) disk.records.set(key, JSON.stringify(value));
  for (const id of taken.effectsDone) disk.outbox.delete(id);
  for (const effect of taken.effects) disk.outbox.set(effect.id, JSON.stringify(effect));
  disk.wakeAt = wakeAt(state);
  disk.log.push({ ...taken, wakeAt: disk.wakeAt });
  const lines = [
    ...taken.decisions.map((one) => `decided ${said(one)}`),
    ...taken.effects.map((one) => `ordered ${said(one)}`),
    ...taken.closed.map((one) => `closed ${said(one)}`),
    ...explained(run, rules, taken.put),
  ];
  return lines.sort();
}

/** What people would read of what changed. */
function explained(
  { state, now }: Run,
  rules: Rules,
  put: readonly { readonly key: string }[],
): readonly string[] {
  return put.flatMap(({ key }) => {
    const alert = state.alerts.get(key);
    if (alert === undefined) return [];
    const about = aboutLive(state, alert, { rules, decisions: [], now });
    return [`explains ${key} ${said(otherwise(about, 'alert'))}`];
  });
}

/** A Slack that takes most, at once; some it refuses or has lost. */
function answer(run: Run, rules: Rules): readonly string[] {
  const { state, disk, now } = run;
  const lines: string[] = [];
  for (let round = 0; round < 10 && disk.outbox.size > 0; round++) {
    // As stores hand them out: in an order that has nothing to do with what came first.
    const effects = [...disk.outbox]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, json]): Effect => JSON.parse(json));
    const events = effects.map((effect): Event => {
      const incident = effect.kind === 'digest' ? undefined : state.incidents.get(effect.incident);
      const text = textOf(run, rules, effect);
      lines.push(`sent ${effect.id} to ${effect.channel}: ${text}`);
      const standing = effect.kind === 'digest' ? effect.message : incident?.message;
      const message =
        effect.kind === 'reply' || standing === undefined
          ? { channel: effect.channel, ts: `${now}.${effect.id}` }
          : standing;
      const chance = hashOf(`${effect.id}${now}`) % 40;
      if (chance === 0 && standing !== undefined && effect.kind === 'message')
        return { kind: 'delivered', effect: effect.id, outcome: { kind: 'gone' } };
      if (chance === 1) {
        const outcome = { kind: 'refused', error: 'is_archived' } as const;
        return { kind: 'delivered', effect: effect.id, outcome };
      }
      const outcome = { kind: 'sent', message, revision: incident?.revision ?? 0 } as const;
      return { kind: 'delivered', effect: effect.id, orderedAt: effect.at, outcome };
    });
    lines.push(
      ...commit(run, rules, (decide) => {
        for (const event of events) decide(event, now);
      }),
    );
  }
  return lines;
}

function textOf({ state, now }: Run, rules: Rules, effect: Effect): string {
  if (effect.kind === 'digest') return renderDigest(effect).text;
  const incident = state.incidents.get(effect.incident);
  if (incident === undefined) return '';
  const view = buildView(state, incident, rules, now, 'https://quell.example.com');
  return effect.kind === 'reply'
    ? renderReply(effect.reply, view, rules.people).text
    : JSON.stringify(renderMessage(view));
}

/** A record has its fields in another order when it was read back, and says the same. */
function said(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one !== 'object' || one === null || Array.isArray(one)
      ? one
      : Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
}

export function emptyDisk(): Disk {
  return { wakeAt: undefined, records: new Map(), outbox: new Map(), log: [] };
}

function hashOf(text: string): number {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash;
}
