/**
 * What a lane answers to what it cannot take now: come again.
 */
import { AppError } from '../errors.ts';
import { whatIsFull } from '../life/room.ts';
import { type Capacity, over, type Room } from '../limits.ts';
import type { Event } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import type { LaneState } from '../state/state.ts';

/** How far the limits of a lane are used up, or what they are. */
export type LaneUse = Pick<Capacity, 'waiting'> & Room;

interface Taking {
  readonly state: LaneState;
  readonly rules: Rules;
  /** Events that wait to be decided. */
  readonly queued: number;
}

/** Why a lane cannot take these events; undefined: it can. */
export function whyFull(
  { state, rules, queued }: Taking,
  limits: LaneUse,
  events: readonly Event[],
): AppError | undefined {
  if (queued + events.length > limits.waiting) {
    const what = `${queued} events wait to be decided: try again`;
    return refusal('overloaded', over('waiting', what));
  }
  const full = whatIsFull(state, rules, events, queued);
  return full === undefined ? undefined : tooManyAlerts(full, limits);
}

/** For senders of alerts that there is no place for. */
export function tooManyAlerts(limit: keyof Room, room: Room): AppError {
  const full =
    limit === 'open-alerts'
      ? `${room[limit]} alerts are in memory and fire`
      : `what fires takes ${room[limit]} bytes of memory`;
  return refusal('too-many-alerts', over(limit, `${full}: try again later`));
}

export function unavailable(): AppError {
  return refusal('store-unavailable', 'the store cannot be written');
}

export function refusal(code: string, what: string): AppError {
  return new AppError(code, what, { retryable: true });
}
