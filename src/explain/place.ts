/**
 * How an alert came to stand where it stands, as the decisions about it tell: in an incident that it
 * began, in one that it joined, in one that took its own in, or in none. Pure.
 */
import type { Alert, Decision, Incident } from '../model.ts';

export type Place =
  /** It began the incident, or is all that is in it: the incident's message is its own. */
  | { readonly kind: 'own' }
  /** `decision` says by what evidence. */
  | { readonly kind: 'joined'; readonly decision: Decision }
  /** It began another incident, which became part of this one: by an alert of the decision's service. */
  | { readonly kind: 'merged'; readonly decision: Decision }
  | { readonly kind: 'muted'; readonly decision: Decision }
  /** It never fired as far as is known, or what is known of it is too little to say. */
  | { readonly kind: 'nowhere' };

export interface PlaceOf {
  readonly alert: Alert;
  readonly incident: Incident | undefined;
  readonly alerts: number;
  readonly decisions: readonly Decision[];
}

export function placeOf({ alert, incident, alerts, decisions }: PlaceOf): Place {
  const own = decisions.filter(({ fingerprint }) => fingerprint === alert.fingerprint);
  const last = own.findLast(({ reason }) => PLACED.has(reason));
  if (incident === undefined)
    return last?.reason === 'silenced' || last?.reason === 'inhibited'
      ? { kind: 'muted', decision: last }
      : { kind: 'nowhere' };
  if (alerts === 1) return { kind: 'own' };
  if (last === undefined) return { kind: 'nowhere' };
  const merged = decisions.find(
    ({ reason, incident: id }) => reason === 'merged' && id === last.incident && id !== incident.id,
  );
  if (merged !== undefined) return { kind: 'merged', decision: merged };
  return last.reason === 'joined' ? { kind: 'joined', decision: last } : { kind: 'own' };
}

const PLACED: ReadonlySet<Decision['reason']> = new Set([
  'opened',
  'joined',
  'damped',
  'silenced',
  'inhibited',
]);
