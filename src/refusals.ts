/**
 * What a lane answers to what it cannot take now: come again.
 */
import { AppError } from './errors.ts';
import { over } from './limits.ts';
import type { Room } from './state.ts';

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
