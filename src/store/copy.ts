/**
 * Carries a lane over from one store to another, whatever they are made of. From its first commit to its last
 * the target has a record that says so: a copy that was broken off is never taken for a whole one.
 */
import { AppError } from '../errors.ts';
import type { ClosedIncident, Commit, LaneSnapshot, PastDecision, Store } from './contract.ts';
import { UNFINISHED } from './unfinished.ts';

export interface Copied {
  readonly records: number;
  readonly decisions: number;
  readonly closed: number;
  readonly effects: number;
}

/** Of history: read, and written, at a time. */
const PAGE = 1_000;
/** State records written at a time. */
const RECORDS = 1_000;

/** Nothing may write to either meanwhile. */
export async function copyLane(from: Store, lane: string, target: Writer): Promise<Copied> {
  const history = await copyHistory(from, lane, target);
  return { ...history, ...(await copyState(await from.load(lane), target)) };
}

/** An empty lane, to be written to until `copyState` was. Rejects with an AppError when something is in it. */
export async function openTarget(to: Store, lane: string): Promise<Writer> {
  const { version } = await to.load(lane);
  if (version === 0) {
    const writer = createWriter(to, lane);
    await writer({ put: [{ key: UNFINISHED, value: true }] });
    return writer;
  }
  const message = `there is something at the target already (${version} commits): migrate to an empty one`;
  throw new AppError('target-not-empty', message, { retryable: false });
}

export async function copyHistory(
  from: Store,
  lane: string,
  target: Writer,
): Promise<Pick<Copied, 'decisions' | 'closed'>> {
  const decisions = await copyDecisions(from, lane, target);
  return { decisions, closed: await copyClosed(from, lane, target) };
}

export async function copyState(
  { records, outbox, wakeAt }: Omit<LaneSnapshot, 'version'>,
  target: Writer,
): Promise<Pick<Copied, 'records' | 'effects'>> {
  let count = 0;
  let put: Commit['put'][number][] = [];
  for (const record of records) {
    put.push(record);
    count++;
    if (put.length < RECORDS) continue;
    await target({ put });
    put = [];
  }
  await target({ put, remove: [UNFINISHED], effects: outbox, wakeAt });
  return { records: count, effects: outbox.length };
}

/** Writes one commit after the other to a lane. */
export type Writer = (change: Partial<Commit>) => Promise<void>;

function createWriter(to: Store, lane: string): Writer {
  let at = 0;
  return async (change) => {
    const result = await to.commit(lane, { ...NOTHING, version: at, ...change });
    if (result.kind === 'stale') {
      const message = 'somebody else writes to the target: stop it, and migrate to an empty one';
      throw new AppError('target-not-empty', message, { retryable: false });
    }
    at = result.version;
  };
}

const NOTHING: Omit<Commit, 'version'> = {
  put: [],
  remove: [],
  decisions: [],
  rules: '',
  closed: [],
  effects: [],
  effectsDone: [],
  wakeAt: undefined,
  jobs: [],
};

/**
 * Read from the newest to the oldest. Within one instant decisions stand in the order of their commits,
 * so those of an instant are written together, or one after the other when other rules made them.
 */
async function copyDecisions(from: Store, lane: string, write: Writer): Promise<number> {
  let count = 0;
  let waiting: PastDecision[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await from.decisions({ lane, limit: PAGE, ...(cursor === '' ? {} : { cursor }) });
    waiting.push(...page.items);
    count += page.items.length;
    cursor = page.next;
    // The oldest instant of the page may go on in the next.
    const oldest = cursor === undefined ? undefined : waiting.at(-1)?.at;
    const whole = waiting.filter(({ at }) => at !== oldest);
    waiting = waiting.filter(({ at }) => at === oldest);
    for (const { rules, decisions } of runsOfRules(whole.reverse())) {
      await write({ rules, decisions });
    }
  }
  return count;
}

function runsOfRules(decisions: readonly PastDecision[]) {
  const runs: { readonly rules: string; readonly decisions: PastDecision[] }[] = [];
  for (const { rules, ...decision } of decisions) {
    const last = runs.at(-1);
    if (last?.rules === rules) last.decisions.push({ ...decision, rules });
    else runs.push({ rules, decisions: [{ ...decision, rules }] });
  }
  return runs;
}

async function copyClosed(from: Store, lane: string, write: Writer): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const query = { lane, limit: PAGE, ...(cursor === '' ? {} : { cursor }) };
    const page: { readonly items: readonly ClosedIncident[]; readonly next: string | undefined } =
      await from.closedIncidents(query);
    if (page.items.length > 0) await write({ closed: page.items });
    count += page.items.length;
    cursor = page.next;
  }
  return count;
}
