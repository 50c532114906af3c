/**
 * How alerts are split into lanes: by the value of a label, as it was received.
 *
 * Rules have no say in it: they change while alerts are open, and an alert must find its lane again.
 */
import type { Labels } from './model.ts';

/** The first lane. Without a split it is the only one; with one it takes what has no lane of its own. */
export const LANE = 'default';

export interface Split {
  /** Labels: the first of them that an alert has decides. */
  readonly by: readonly string[];
  /** Values that have a lane of their own, which is named like them. */
  readonly lanes: readonly string[];
}

export const WHOLE: Split = { by: [], lanes: [] };

/** All lanes, the first one first. */
export function laneNames({ lanes }: Split): readonly [string, ...string[]] {
  return [LANE, ...lanes];
}

export function laneOf({ by, lanes }: Split, labels: Labels): string {
  const label = by.find((name) => Object.hasOwn(labels, name) && labels[name] !== '');
  const value = label === undefined ? undefined : labels[label];
  return value !== undefined && lanes.includes(value) ? value : LANE;
}

/** As the settings say it. */
export function splitInWords({ by, lanes }: Split): string {
  return lanes.length === 0
    ? 'one lane'
    : `QUELL_LANE_BY=${by.join(',')} and QUELL_LANES=${lanes.join(',')}`;
}
