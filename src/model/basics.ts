/**
 * The words that all others are made of. model.ts hands these on.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** How bad something is, from worst to mildest. Anything a rule cannot map is `warning`. */
export const SEVERITIES = ['critical', 'high', 'warning', 'info', 'none'] as const;
export type Severity = (typeof SEVERITIES)[number];
