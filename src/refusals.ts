/**
 * What a lane answers to what it cannot take now: come again.
 */
import { AppError } from './errors.ts';
import { type Capacity, over } from './limits.ts';

/** For senders of alerts that there is no place for. */
export function tooManyAlerts(limits: Pick<Capacity, 'open-alerts'>): AppError {
  const what = `${limits['open-alerts']} alerts are in memory and fire: try again later`;
  return refusal('too-many-alerts', over('open-alerts', what));
}

export function unavailable(): AppError {
  return refusal('store-unavailable', 'the store cannot be written');
}

export function refusal(code: string, what: string): AppError {
  return new AppError(code, what, { retryable: true });
}
