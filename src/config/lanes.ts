/**
 * The settings that split alerts into lanes: a label, and those of its values that have a lane.
 */
import { z } from 'zod';
import { type ConfigSources, openSources, type Read, readerOf } from './sources.ts';
import { LANE, type Split } from '../split.ts';

const LANE_LABELS_MAX = 5;
/** Each costs every instance connections, and a few questions a second. */
const LANES_MAX = 16;

export function splitOf(read: Read, problems: string[]): Split {
  const split = {
    by: read('laneBy', LaneBy) ?? [],
    lanes: read('lanes', LaneNames)?.toSorted() ?? [],
  };
  if ((split.by.length === 0) !== (split.lanes.length === 0)) {
    problems.push(
      'QUELL_LANE_BY and QUELL_LANES belong together: the label that decides, and its values that have a lane of their own',
    );
  }
  return split;
}

/** For whoever needs no other setting. */
export function readSplit(sources: ConfigSources): {
  readonly split: Split;
  readonly problems: readonly string[];
} {
  const places = openSources(sources);
  const problems = [...places.problems];
  return { split: splitOf(readerOf(places, problems), problems), problems };
}

const LaneBy = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .refine((names) => names.length <= LANE_LABELS_MAX && names.every(isLabelName), {
    error: `must be the label that decides, like environment, or several of which the first that is there decides, like environment,env; at most ${LANE_LABELS_MAX}`,
  })
  .optional();

const LaneNames = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .refine((names) => names.length <= LANES_MAX && names.every(isLaneName) && areUnique(names), {
    error: `must be values of the label, like production,staging: at most ${LANES_MAX}, of letters, digits, "_", "." and "-", each once; "${LANE}" is the lane of all others`,
  })
  .optional();

function isLabelName(name: string): boolean {
  return name !== '' && name.length <= 512;
}

function isLaneName(name: string): boolean {
  return /^[\w.-]{1,64}$/.test(name) && name !== LANE;
}

function areUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
