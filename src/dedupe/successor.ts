/**
 * An alert of a pod that was replaced: the same trouble under another name.
 *
 * Fingerprints count the flaps of one alert. A workload whose pods come and go has a new alert each
 * time, and would never be seen to flap.
 */
import { idsAt } from '../state/id-index.ts';
import type { Alert } from '../model.ts';
import { type LaneState, tallyOf } from '../state/state.ts';

/** Incidents of the service that are looked at: there are few within the memory of a flap. */
const LOOKED_AT_MAX = 20;

/**
 * The same check of the same workload as it last ended, on a pod that is another one by now. Undefined
 * while it fires on any other pod: that is the same trouble on several, and no flap.
 */
export function predecessorOf(state: LaneState, alert: Alert): Alert | undefined {
  if (state.resolved.size === 0 || alert.labels['pod'] === undefined) return undefined;
  const { environment, service, name } = alert.facts;
  let last: Alert | undefined;
  let looked = 0;
  for (const id of idsAt(state.byService, environment, service)) {
    if (++looked > LOOKED_AT_MAX) break;
    const lead = tallyOf(state, id).services.get(service)?.lead;
    const other = lead === undefined ? undefined : state.alerts.get(lead);
    if (other?.facts.name !== name || other.labels['pod'] === undefined) continue;
    if (other.status === 'firing') return undefined;
    if (last === undefined || other.since > last.since) last = other;
  }
  return last;
}
