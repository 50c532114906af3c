/**
 * Room in memory. There is a limit on the alerts that a lane remembers: beyond it what is over gives way
 * to what fires, the oldest first. What fires never does; the lane takes no more than there is room for.
 */
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import type { Event } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { closeIncident, incidentOf, type LaneState, removeAlert } from '../state.ts';
import type { Turn } from '../turn.ts';
import { isUnsent, settleWithout } from './end.ts';

/** How many are looked at for one that can go without anybody missing it. */
const LOOKED_AT_MAX = 100;

/** Makes room for one more alert. */
export function makeRoom(turn: Turn): void {
  const { state } = turn;
  if (state.alerts.size < state.alertsMax) return;
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

/**
 * Would more alerts fire than there is room for, with these events and `queued` others before them?
 * Looked at closely, fingerprint by fingerprint, only when it may be so. What ends is always taken.
 */
export function isFull(
  { alerts, resolved, alertsMax }: LaneState,
  rules: Rules,
  events: readonly Event[],
  queued: number,
): boolean {
  const firing = alerts.size - resolved.size + queued;
  if (firing + events.length <= alertsMax) return false;
  let more = 0;
  let hasNews = false;
  for (const event of events) {
    if (event.kind !== 'alert') continue;
    const { source, labels, status } = event.alert;
    const known = alerts.get(fingerprintOf(source, labels, rules.notIdentity))?.status;
    if (status === 'firing' && known !== 'firing') {
      hasNews = true;
      more++;
    } else if (status === 'resolved' && known === 'firing') more--;
  }
  return hasNews && firing + more > alertsMax;
}
