/**
 * Silences that people set, and the quiet of an incident. model.ts hands these on.
 */

/** Milliseconds since 1970: model.ts, which knows this file, calls it so. */
type Instant = number;

/** Keeps alerts quiet for a while, because somebody said so: by API, or in the thread of a message. */
export interface Silence {
  readonly id: string;
  /** All of them must match. */
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAt: Instant;
  readonly endsAt: Instant;
  readonly createdBy: string;
  readonly comment: string;
}

/** Alertmanager's: `isEqual` false turns it round. */
export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

/** An incident of which nothing is said in its thread for a while. */
export interface Snoozed {
  readonly by: string;
  readonly at: Instant;
  readonly until: Instant;
  /** The silence that matches all that fires in it; undefined: a reaction asked for it. */
  readonly silence: string | undefined;
}
