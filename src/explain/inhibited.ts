/**
 * What alerts keep quiet, for whoever looks at what inhibits. Pure.
 */
import type { Alert } from '../model.ts';
import { count } from '../slack/words.ts';
import type { LaneState } from '../state/state.ts';

const NAMED_MAX = 3;

/** One sentence, or none. Looks at every alert: people ask now and then. */
export function inhibitedBy(
  { alerts }: LaneState,
  inhibits: (inhibitor: Alert) => boolean,
): readonly string[] {
  const names = new Set<string>();
  let quiet = 0;
  for (const { status, muted, facts } of alerts.values()) {
    const inhibitor = status === 'firing' ? alerts.get(muted?.inhibitor ?? '') : undefined;
    if (inhibitor === undefined || !inhibits(inhibitor)) continue;
    quiet++;
    names.add(`${facts.name} of ${facts.service}`);
  }
  if (quiet === 0) return [];
  const some = [...names].slice(0, NAMED_MAX);
  const more = names.size > NAMED_MAX ? [`${names.size - NAMED_MAX} more`] : [];
  const stay = quiet === 1 ? 'stays' : 'stay';
  return [
    `While it fires, ${count(quiet, 'alert')} ${stay} quiet: ${[...some, ...more].join(', ')}.`,
  ];
}
