/**
 * Flap damping: a penalty of 1000 for each firing that decays by half every half-life, after the
 * route flap damping of RFC 2439. Above `suppress` the alert flaps; below `reuse`, and quiet for a
 * while, it is calm again.
 *
 * Damping hides transitions, never state: an alert that flaps is held for `sustained`, so firing on
 * is told all the same.
 */
import { type Alert, type Flap, type Instant, PENALTY } from '../model.ts';
import type { FlapRule } from '../rules/rules.ts';

/** The penalty at `now`. An alert that fired only once has the penalty of that one firing. */
export function penaltyAt(alert: Alert, rule: FlapRule, now: Instant): number {
  const { penalty, at } = alert.flap ?? { penalty: PENALTY, at: alert.since };
  return penalty * 2 ** (-Math.max(0, now - at) / rule.halfLifeMs);
}

/** What the flap state becomes when the alert fires again. Instants are receive times. `isTold`: its incident has a message. */
export function afterRefire(alert: Alert, rule: FlapRule, now: Instant, isTold: boolean): Flap {
  const ceiling = rule.reuse * 2 ** (rule.maxSuppressMs / rule.halfLifeMs);
  const penalty = Math.min(penaltyAt(alert, rule, now) + PENALTY, ceiling);
  const flapping = alert.flap?.flapping === true || penalty >= rule.suppress;
  if (!flapping) return { penalty, at: now, flapping, since: undefined };
  const told = isTold || alert.flap?.told === true;
  return { penalty, at: now, flapping, since: alert.flap?.since ?? now, told };
}

/** When it can be calm at the earliest: the penalty is down to `reuse` and nothing moved for a while. */
export function calmAt(flap: Flap, lastMove: Instant, rule: FlapRule): Instant {
  const decayed =
    flap.at + Math.max(0, Math.ceil(rule.halfLifeMs * Math.log2(flap.penalty / rule.reuse)));
  return Math.max(decayed, lastMove + rule.quietMs);
}
