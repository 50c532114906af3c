/**
 * What is decided between two commits, gathered: the changed records as they are at the end, every
 * decision, and the effects that are still wanted.
 */
import { decide } from '../decide.ts';
import type { Decision, Effect, Event, Instant, Verdict } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { type LaneState, takeChanges } from '../state/state.ts';
import type { Commit, StateRecord } from '../store/contract.ts';
import { closedView, servicesKept } from '../state/closed-view.ts';
import { recordOfIncident } from '../state/incident-record.ts';

/** Whoever counts and writes logs. */
export interface LaneObserver {
  decided(verdict: Verdict | undefined, decisions: readonly Decision[]): void;
  committed(ms: number, events: number): void;
  failed(error: unknown): void;
}

export interface Batch {
  readonly decide: (event: Event, now: Instant) => void;
  /** Events decided so far. */
  readonly events: () => number;
  /** Everything since the batch was made. The state counts as unchanged afterwards. */
  readonly take: () => Omit<Commit, 'version' | 'wakeAt' | 'jobs'>;
}

export function createBatch(state: LaneState, rules: Rules, observer: LaneObserver): Batch {
  const decisions: Decision[] = [];
  const effects = new Map<string, Effect>();
  const effectsDone = new Set<string>();
  let events = 0;
  return {
    events: () => events,
    decide(event, now) {
      const outcome = decide(state, event, now, rules);
      events++;
      for (const decision of outcome.decisions) decisions.push(decision);
      for (const id of outcome.effectsDone) {
        effects.delete(id);
        effectsDone.add(id);
      }
      for (const effect of outcome.effects) {
        effectsDone.delete(effect.id);
        effects.set(effect.id, effect);
      }
      observer.decided(outcome.verdict, outcome.decisions);
    },
    take() {
      const put: StateRecord[] = [];
      const remove: string[] = [];
      for (const record of takeChanges(state)) {
        if (record.value === undefined) remove.push(record.key);
        else put.push(record);
      }
      const closed = state.closed.map(({ incident, tally, members }) => {
        const services = servicesKept(tally);
        const view = closedView(incident, services, members);
        return { incident: recordOfIncident(incident), services, view };
      });
      state.closed.length = 0;
      return {
        put,
        remove,
        decisions,
        rules: rules.version,
        closed,
        effects: [...effects.values()],
        effectsDone: [...effectsDone],
      };
    },
  };
}

export function changesNothing({
  put,
  remove,
  decisions,
  effects,
  effectsDone,
  closed,
}: Commit): boolean {
  return [put, remove, decisions, effects, effectsDone, closed].every(({ length }) => length === 0);
}
