/**
 * What a delivery says about an alert that may be known already.
 *
 * Deliveries come twice, late, out of order, and from several replicas whose clocks differ. They are
 * merged by what they say, not by when they arrive: an episode is the interval [startsAt, endsAt], a
 * later start wins, and for the same episode resolved wins. So any shuffle of one alert's deliveries
 * leaves the same alert.
 */
import type { Alert, Instant, ReceivedAlert } from '../model.ts';

/** Replicas date the start of one firing up to an evaluation interval apart. */
export const REPLICA_SKEW_MS = 60_000;
/** How late a delivery can be. After that, a firing that was said to be over is on again. */
export const LATE_MAX_MS = 5 * 60_000;

export type News =
  /** A new episode; `hidden`: the resolve in between was never seen. */
  | { readonly kind: 'fires'; readonly again: boolean; readonly hidden: boolean }
  /** It had timed out, and is mentioned again. */
  | { readonly kind: 'goes-on'; readonly known: Alert }
  | { readonly kind: 'resolves'; readonly startsAt: Instant; readonly endsAt: Instant }
  | {
      readonly kind: 'repeats';
      readonly known: Alert;
      readonly startsAt: Instant;
      readonly endsAt: Instant | undefined;
    }
  | { readonly kind: 'stale'; readonly because: string };

export function newsOf(known: Alert | undefined, received: ReceivedAlert, now: Instant): News {
  // A source that gives no start can only mean the firing that is known, if there is one.
  const isSame = received.undated === true && known?.status === 'firing';
  const startsAt = isSame ? known.startsAt : received.startsAt;
  if (received.status === 'resolved') {
    // A clock that was put back must not make an end of the firing before.
    return resolvedNews(known, startsAt, Math.max(received.endsAt ?? now, startsAt));
  }
  return firingNews(known, startsAt, now);
}

function firingNews(known: Alert | undefined, startsAt: Instant, now: Instant): News {
  if (known === undefined) return { kind: 'fires', again: false, hidden: false };
  if (known.status === 'firing') {
    if (startsAt > known.startsAt + REPLICA_SKEW_MS)
      return { kind: 'fires', again: true, hidden: true };
    if (startsAt < known.startsAt - REPLICA_SKEW_MS)
      return { kind: 'stale', because: 'it tells of an earlier firing' };
    return {
      kind: 'repeats',
      known,
      startsAt: Math.max(startsAt, known.startsAt),
      endsAt: undefined,
    };
  }
  if (known.endsAt === undefined) {
    if (startsAt > known.startsAt + REPLICA_SKEW_MS)
      return { kind: 'fires', again: true, hidden: false };
    return startsAt >= known.startsAt - REPLICA_SKEW_MS
      ? { kind: 'goes-on', known }
      : { kind: 'stale', because: 'it tells of an earlier firing' };
  }
  if (startsAt > known.endsAt) return { kind: 'fires', again: true, hidden: false };
  // One replica resolved it while another still sees it, or the source changed its mind.
  const isLate = now - (known.resolvedAt ?? now) <= LATE_MAX_MS;
  if (!isLate && startsAt >= known.startsAt - REPLICA_SKEW_MS) return { kind: 'goes-on', known };
  return { kind: 'stale', because: 'it tells of a firing that is known to have ended' };
}

function resolvedNews(known: Alert | undefined, startsAt: Instant, endsAt: Instant): News {
  if (known === undefined) return { kind: 'resolves', startsAt, endsAt };
  if (known.status === 'firing') {
    if (endsAt < known.startsAt)
      return { kind: 'stale', because: 'it tells of the end of an earlier firing' };
    return { kind: 'resolves', startsAt: Math.max(startsAt, known.startsAt), endsAt };
  }
  if (known.endsAt === undefined ? endsAt >= known.startsAt : endsAt > known.endsAt) {
    return { kind: 'repeats', known, startsAt: Math.max(startsAt, known.startsAt), endsAt };
  }
  return { kind: 'repeats', known, startsAt: known.startsAt, endsAt: known.endsAt };
}
