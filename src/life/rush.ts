/**
 * A rush: alerts that come within seconds of each other.
 *
 * At first nobody can know whether it is one failure, two, or a storm, and each beginning would be told. So the
 * first message waits for some seconds, and says more. What comes by itself does not wait.
 */
import type { Incident, Instant } from '../model.ts';
import type { Turn } from '../state/turn.ts';
import { stormUntil } from './storm.ts';

/** Of new alerts, one after the other. */
const APART_MS = 2_000;
const ALERTS_MIN = 5;
const WAIT_MAX_MS = 10_000;

/** When the incident's first message may be sent; undefined: now, or it has one. */
export function tellableAt(turn: Turn, incident: Incident): Instant | undefined {
  if (incident.phase !== 'gathering') return undefined;
  return rushUntil(turn) ?? stormUntil(turn, incident);
}

/** Asks for the newest alerts only, at most as many as make a storm. */
function rushUntil({ state, rules, now }: Turn): Instant | undefined {
  const { storm } = state;
  const { episodes } = state.lately;
  const last = episodes.at(-1);
  if (last === undefined || now - last > APART_MS || storm !== undefined || !rules.storm.on)
    return undefined;
  let first = last;
  let alerts = 0;
  for (let index = episodes.length - 1; index >= 0; index--) {
    const at = episodes[index] ?? 0;
    if (first - at > APART_MS) break;
    first = at;
    alerts++;
  }
  // As many as that are a storm, or are not: waiting tells nothing new.
  if (alerts < ALERTS_MIN || alerts >= rules.storm.perMinute) return undefined;
  const until = Math.min(first + WAIT_MAX_MS, last + APART_MS + 1);
  return until > now ? until : undefined;
}
