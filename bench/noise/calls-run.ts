/**
 * Plays the third world, and finds out which alerts follow from what: each happening is played a second
 * time without it, from the same state and with the same noise. A firing that is missing then is its own.
 */
import type { Labels } from './labels.ts';
import { step } from './calls-engine.ts';
import type { Trouble } from './calls-faults.ts';
import type { Look, Watch } from './calls-watch.ts';
import {
  at,
  type Bend,
  copyState,
  createBend,
  createState,
  get,
  type State,
  STEPS_A_MINUTE,
  straighten,
  type World,
} from './calls-state.ts';

/** The operator's default: 30 s. */
const STEPS_AN_EVALUATION = 2;

/** What happened shows in averages for so long. */
const SETTLES = 5 * STEPS_A_MINUTE;

export interface Happening extends Trouble {
  readonly id: string;
  readonly name: string;
  readonly isFault: boolean;
  readonly from: number;
  /** The first step after it. */
  readonly to: number;
  /** Effects may begin for that long after it. */
  readonly tail: number;
}
export interface Fired {
  readonly watch: Watch;
  readonly labels: Labels;
  readonly from: number;
  to: number;
  /** Ids of what it would not have fired without. */
  readonly causes: Set<string>;
}
interface Span {
  readonly from: number;
  to: number;
}
/** What would have fired without some of it. */
interface Without {
  readonly ids: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly spans: ReadonlyMap<Watch, readonly Span[]>;
}

export interface Play {
  readonly world: World;
  readonly watches: readonly Watch[];
  readonly happenings: readonly Happening[];
  readonly steps: number;
}

export function play({ world, watches, happenings, steps }: Play): Fired[] {
  const alone = happenings.map((it) => [it]);
  const sets = [...alone, ...together(happenings)].sort((a, b) => startOf(a) - startOf(b));
  const run = createRun(world, watches, happenings);
  const without: Without[] = [];
  let next = 0;
  for (let t = 0; t < steps; t += 1) {
    for (; next < sets.length && startOf(at(sets, next)) === t; next += 1)
      without.push(playWithout(run, at(sets, next), t, steps));
    advance(run, t);
  }
  for (const fired of run.firing.values()) fired.to = steps;
  // Singles first: a pair is only asked for what neither explains.
  for (const size of [1, 2])
    for (const it of without) if (it.ids.length === size) blame(run.fired, it);
  return run.fired;
}

/** Either of two may suffice for an alert, so that it is missing only without both. One of them is a fault. */
function together(happenings: readonly Happening[]): Happening[][] {
  return happenings
    .filter(({ isFault }) => isFault)
    .flatMap((fault) =>
      happenings
        .filter((it) => !it.isFault || it.id > fault.id)
        .filter((it) => it.from < fault.to && fault.from < it.to + SETTLES)
        .map((it) => [fault, it]),
    );
}

function startOf(set: readonly Happening[]): number {
  return Math.min(...set.map(({ from }) => from));
}

interface Run {
  readonly world: World;
  readonly watches: readonly Watch[];
  readonly happenings: readonly Happening[];
  readonly state: State;
  readonly bend: Bend;
  /** Since when the expression of each watch holds; -1 while it does not. */
  readonly since: Float64Array;
  readonly firing: Map<Watch, Fired>;
  readonly fired: Fired[];
}

function createRun(world: World, watches: readonly Watch[], happenings: readonly Happening[]): Run {
  return {
    world,
    watches,
    happenings,
    state: createState(world.platform),
    bend: createBend(world.platform),
    since: new Float64Array(watches.length).fill(-1),
    firing: new Map(),
    fired: [],
  };
}

function playWithout(run: Run, set: readonly Happening[], t: number, steps: number): Without {
  const end = Math.min(steps, Math.max(...set.map((it) => it.to + it.tail)));
  const firing = new Map([...run.firing].map(([watch, it]) => [watch, { ...it }]));
  const other: Run = {
    ...run,
    happenings: run.happenings.filter((it) => !set.includes(it) && it.from < end && it.to > t),
    state: copyState(run.state),
    bend: createBend(run.world.platform),
    since: run.since.slice(),
    firing,
    fired: [...firing.values()],
  };
  for (let now = t; now < end; now += 1) advance(other, now);
  for (const it of other.firing.values()) it.to = Number.POSITIVE_INFINITY;
  const spans = new Map<Watch, Span[]>();
  for (const it of other.fired) spans.set(it.watch, [...(spans.get(it.watch) ?? []), it]);
  return { ids: set.map(({ id }) => id), from: t, to: end, spans };
}

function advance(run: Run, t: number): void {
  const { world, state, bend, happenings } = run;
  straighten(bend);
  for (const it of happenings) if (t >= it.from && t < it.to) it.bend(bend, t - it.from);
  step(world, state, bend, t);
  if (t % STEPS_AN_EVALUATION === 0) watch(run, { world, state, bend, t });
}

/** Prometheus: what holds for long enough fires until it does not hold. */
function watch({ watches, since, firing, fired }: Run, look: Look): void {
  const { t } = look;
  for (let i = 0; i < watches.length; i += 1) {
    const it = at(watches, i);
    if (!it.holds(look)) {
      if (get(since, i) < 0) continue;
      since[i] = -1;
      const ended = firing.get(it);
      if (ended === undefined) continue;
      ended.to = t;
      firing.delete(it);
      continue;
    }
    if (get(since, i) < 0) since[i] = t;
    if (t - get(since, i) < it.forSteps || firing.has(it)) continue;
    const begun: Fired = { watch: it, labels: it.labels(look), from: t, to: t, causes: new Set() };
    firing.set(it, begun);
    fired.push(begun);
  }
}

function blame(fired: readonly Fired[], { ids, from, to, spans }: Without): void {
  for (const it of fired) {
    if (it.from < from || it.from >= to) continue;
    if (ids.length > 1 && it.causes.size > 0) continue;
    const same = spans.get(it.watch) ?? [];
    if (
      same.some((span) => span.from < it.to + STEPS_A_MINUTE && it.from < span.to + STEPS_A_MINUTE)
    )
      continue;
    for (const id of ids) it.causes.add(id);
  }
}
