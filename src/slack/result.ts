/**
 * What a call to Slack comes to: one of five.
 *
 * `unknown` is the dangerous one: the call may have been carried out. Whoever posts must look before
 * trying again.
 */
import type { z } from 'zod';

export type SlackResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number }
  /** Slack said no, and did nothing. `error` is Slack's word for it. */
  | { readonly kind: 'refused'; readonly error: string }
  /** No connection: it surely did not happen. */
  | { readonly kind: 'unreachable'; readonly error: string }
  /** No answer, or none that can be read: it may have happened. */
  | { readonly kind: 'unknown'; readonly error: string };

/** One call to a method of the Web API. */
export type Call = (method: string, args: Record<string, unknown>) => Promise<SlackResult<unknown>>;

export function read<T>(answer: SlackResult<unknown>, schema: z.ZodType<T>): SlackResult<T> {
  if (answer.kind !== 'ok') return answer;
  const parsed = schema.safeParse(answer.value);
  if (parsed.success) return { kind: 'ok', value: parsed.data };
  return { kind: 'unknown', error: `an answer that cannot be read: ${parsed.error.message}` };
}
