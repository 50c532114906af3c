/**
 * Room in memory. A lane remembers so many alerts, of so much weight. Beyond that the oldest that are over make
 * room. Firing alerts stay; when only they are left, the lane takes no more.
 */
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import type { Room } from '../limits.ts';
import type { Alert, Event, ReceivedAlert } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { closeIncident, incidentOf, type LaneState, removeAlert } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { weightOf } from '../state/weight.ts';
import { isUnsent, settleWithout } from './end.ts';

/** How many are looked at for one that can go without anybody missing it. */
const LOOKED_AT_MAX = 100;

/**
 * What makes room for one alert, at most: so many alerts, and so many bytes that go to the history. If somebody
 * lowered a limit by far, the next alerts make the rest of the room.
 */
const DROPPED_MAX = 1_000;
const DROPPED_BYTES_MAX = 4 * 1024 * 1024;

/** Makes room for one more alert, if there is none and something in memory is over. */
export function makeRoom(turn: Turn): void {
  const { alerts, weights } = turn.state;
  const [least, most] = [alerts.size - DROPPED_MAX, weights.changed + DROPPED_BYTES_MAX];
  while (isUsedUp(turn.state) && alerts.size > least && weights.changed < most) {
    const before = alerts.size;
    dropOldest(turn);
    if (alerts.size === before) return;
  }
}

function isUsedUp({ alerts, weights, room }: LaneState): boolean {
  return alerts.size >= room['open-alerts'] || weights.all >= room['alert-bytes'];
}

function dropOldest(turn: Turn): void {
  const { state } = turn;
  let looked = 0;
  for (const fingerprint of state.resolved) {
    if (++looked > LOOKED_AT_MAX) break;
    const alert = state.alerts.get(fingerprint);
    const incident = alert === undefined ? undefined : incidentOf(state, alert);
    if (incident?.phase !== 'resolved') return giveWay(turn, fingerprint);
    // It is over as a whole, and goes to the history as a whole.
    if (!isUnsent(incident)) return closeIncident(state, incident.id);
  }
  const [oldest] = state.resolved;
  if (oldest !== undefined) giveWay(turn, oldest);
}

function giveWay(turn: Turn, fingerprint: string): void {
  const alert = turn.state.alerts.get(fingerprint);
  removeAlert(turn.state, fingerprint);
  // Its incident may wait for it to calm down.
  if (alert?.flap?.flapping === true) settleWithout(turn, alert);
}

/** Alerts that fire, and what they weigh. */
export function firingIn({ alerts, resolved, weights }: LaneState): Room {
  return { 'open-alerts': alerts.size - resolved.size, 'alert-bytes': weights.firing };
}

/**
 * The limit that these events would pass, with `queued` others before them; undefined: none. Fingerprints are
 * compared only when it may be so. What ends is always taken.
 *
 * Of weight the lane takes as much as there is room for and one delivery more, because that weighs something only
 * when all its alerts were looked at; a delivery's bytes have a limit of their own.
 */
export function whatIsFull(
  state: LaneState,
  rules: Rules,
  events: readonly Event[],
  queued: number,
): keyof Room | undefined {
  const { alerts, resolved, room, weights } = state;
  const firing = alerts.size - resolved.size + queued;
  const isHeavy = weights.firing >= room['alert-bytes'];
  if (!isHeavy && firing + events.length <= room['open-alerts']) return undefined;
  const { hasNews, more, heavier } = growthBy(state, rules, events);
  if (!hasNews) return undefined;
  if (firing + more > room['open-alerts']) return 'open-alerts';
  return isHeavy && heavier > 0 ? 'alert-bytes' : undefined;
}

/** How many more alerts would fire, and how much more they would weigh, after these events. */
function growthBy({ alerts }: LaneState, rules: Rules, events: readonly Event[]) {
  let more = 0;
  let heavier = 0;
  let hasNews = false;
  for (const event of events) {
    if (event.kind !== 'alert') continue;
    const { source, labels, status } = event.alert;
    const known = alerts.get(fingerprintOf(source, labels, rules.notIdentity));
    if (status === 'firing' && known?.status !== 'firing') {
      hasNews = true;
      more++;
      heavier += weightOf(event.alert);
    } else if (status === 'resolved' && known?.status === 'firing') {
      more--;
      heavier -= weightOf(known);
    }
  }
  return { hasNews, more, heavier };
}

/**
 * What is said of a known alert, as far as there is room: when there is none, it keeps the texts that it has
 * rather than take longer ones. That it fires, or does not, is heard in any case.
 */
export function withinRoom(
  { weights, room }: LaneState,
  known: Alert,
  received: ReceivedAlert,
): ReceivedAlert {
  if (weights.all < room['alert-bytes'] || weightOf(received) <= weightOf(known)) return received;
  const { labels, annotations, generatorURL } = known;
  return { ...received, labels, annotations, generatorURL };
}
