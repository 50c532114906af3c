/**
 * Keys of what is kept, and of what is due: a kind and a name, like `digest/#ops`. Two are nothing but one of
 * them: an alert's is its fingerprint, which has no slash, and of storms there is one.
 */
import type { SmallKind } from './small-records.ts';

/**
 * `i`: an incident. `past`: what is kept of a service in one. `lately`: what came in the last minutes. `name`: an
 * alert that gets another fingerprint. `source`: a source that the rules no longer know. `missed`: an alert whose hold
 * ended while nobody was there.
 */
type Kind = 'i' | 'past' | 'lately' | 'name' | 'source' | 'missed' | SmallKind;

export const STORM_KEY = 'storm';

export function keyOf(kind: Kind, name: string): string {
  return `${kind}/${name}`;
}

/** A kind that only a newer version knows is one, too. */
export function readKey(key: string): { readonly kind: string; readonly name: string } {
  const slash = key.indexOf('/');
  if (slash >= 0) return { kind: key.slice(0, slash), name: key.slice(slash + 1) };
  return { kind: key === STORM_KEY ? STORM_KEY : 'alert', name: key };
}

export function isAlertKey(key: string): boolean {
  return key !== STORM_KEY && !key.includes('/');
}
