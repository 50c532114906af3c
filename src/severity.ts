/**
 * How bad something is. model.ts hands this on.
 */

/** From worst to mildest. Anything a rule cannot map is `warning`. */
export const SEVERITIES = ['critical', 'high', 'warning', 'info', 'none'] as const;
export type Severity = (typeof SEVERITIES)[number];
