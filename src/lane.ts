/**
 * The shell around `decide`: takes what came in, decides it in order, commits what changed, then lets
 * the outbox act. One lane has one writer.
 */
import type { Event, Incident } from './model.ts';
import type { Incoming } from './store/contract.ts';
import type { LaneState } from './state.ts';
import type { Rules } from './rules/rules.ts';

export interface Lane {
  readonly name: string;
  /** Live state, for reading only: never keep a reference across an await. */
  readonly state: LaneState;
  readonly rules: Rules;
  /**
   * Takes one delivery. Resolves when it is on disk: only then may a webhook be answered 2xx.
   * `events` are what `incoming.body` says, already parsed. Rejects with AppError `overloaded`
   * (answer 503 with Retry-After) or `store-unavailable`.
   */
  submit(incoming: Incoming, events: readonly Event[]): Promise<void>;
  /** Resolves when everything submitted so far is decided and committed. */
  settled(): Promise<void>;
  incident(id: string): Incident | undefined;
}
