/**
 * What history suggests: proposals with the figures they rest on. None hides what people acknowledged
 * as far as the figures tell; the replay of each has the last word (suggest.ts). Pure.
 */
import { duration } from '../rules/duration.ts';
import { quotedValue } from '../rules/matcher.ts';
import type { Rules } from '../rules/rules.ts';
import { DEFAULT_CHRONIC } from '../rules/defaults.ts';
import { count } from '../slack/words.ts';
import { figure } from '../rehearse/words.ts';
import { proposeNames } from './names.ts';
import type { Proposal } from './proposal.ts';
import { overWithin, quantile } from './survival.ts';
import type { Kind, Survey } from './survey.ts';
import { proposeEdges } from './together.ts';

/** Of each kind; those with the most messages. */
const HOLDS_MAX = 5;
const DIGESTS_MAX = 4;

/** Fewer messages than this in the whole time are not worth an entry. */
const MESSAGES_MIN = 5;
/** Messages that an entry can hide at all: neither critical nor taken on. */
export const SPARE_MIN = 3;
/** What came and went lately is held for so much longer at most, until it counts as flapping. */
const LENGTHENED = 3;
const ENDED_MIN = 10;
const MINUTE_MS = 60_000;
const HOLDS_MS = [1, 2, 3, 5, 10, 15, 20, 30].map((minutes) => minutes * MINUTE_MS);
const LONGEST_HOLD_MS = 30 * MINUTE_MS;
/** A hold is worth its delay when it lets at least half pass unseen ... */
const OVER_MIN = 0.5;
/** ... and long enough when it does four fifths of what the longest one would do. */
const ENOUGH = 0.8;
/** As the pipeline has it. */
const CHRONIC_MS = DEFAULT_CHRONIC.firedMs;
/** That nobody acknowledged any of n messages says something when that would be chance once in ten times. */
const CHANCE_MAX = 0.1;
/** Marked by people at least so often: then no figures are needed. */
const MARKED_MIN = 2;
const MARKED_SHARE = 0.5;

export function propose(survey: Survey, rules: Rules): readonly Proposal[] {
  const holds = survey.kinds.flatMap((kind) => proposeHold(kind) ?? []);
  const held = new Set(holds.map(({ name }) => name));
  return [
    ...holds.slice(0, HOLDS_MAX).map(({ proposal }) => proposal),
    ...proposeDigests(survey, held),
    ...proposeEdges(survey, rules),
    ...proposeNames(survey, rules.catalog),
  ];
}

function proposeHold(
  kind: Kind,
): { readonly name: string; readonly proposal: Proposal } | undefined {
  const { name, messages, survival } = kind;
  if (messages < MESSAGES_MIN || survival.ended < ENDED_MIN) return undefined;
  // What ends in the very moment in which its hold is over is told.
  const hiddenBy = (ms: number): number => overWithin(survival, ms - 1);
  const most = hiddenBy(LONGEST_HOLD_MS);
  if (most < OVER_MIN) return undefined;
  const forMs = HOLDS_MS.find((ms) => hiddenBy(ms) >= ENOUGH * most);
  if (forMs === undefined) return undefined;
  // Decided on all of the past, it could do nothing: what lasts is told after the hold too.
  if (kind.spare.filter((ms) => ms < LENGTHENED * forMs).length < SPARE_MIN) return undefined;
  const hold = `${forMs / MINUTE_MS}m`;
  const why = `${percent(hiddenBy(forMs))} of them end by themselves within ${hold} (${count(survival.lives, 'firing')} seen).`;
  const proposal: Proposal = {
    kind: 'hold',
    title: `Hold ${name} for ${duration(forMs)}${kind.critical > 0 ? ' unless it is critical' : ''}.`,
    evidence: [lasting(kind), reactionsTo(kind)],
    edit: { kind: 'hold', entry: { match: matchOf(kind), for: hold, why } },
  };
  return { name, proposal };
}

function proposeDigests(survey: Survey, held: ReadonlySet<string>): readonly Proposal[] {
  const usually = survey.messages === 0 ? 0 : survey.acknowledged / survey.messages;
  const isUnwanted = ({ messages, marked }: Kind): boolean =>
    (1 - usually) ** messages <= CHANCE_MAX ||
    (marked >= MARKED_MIN && marked >= MARKED_SHARE * messages);
  const isCandidate = (kind: Kind): boolean =>
    kind.messages >= MESSAGES_MIN &&
    kind.acknowledged === 0 &&
    kind.spare.length >= SPARE_MIN &&
    kind.critical < kind.firings.length &&
    !held.has(kind.name) &&
    isUnwanted(kind);
  const whole = survey.kinds.filter(isCandidate);
  const covered = new Set(whole.map(({ name }) => name));
  const parts = survey.kindsByService.filter(
    (kind) => isCandidate(kind) && !covered.has(kind.name),
  );
  return [...whole, ...parts]
    .sort((one, other) => other.messages - one.messages)
    .slice(0, DIGESTS_MAX)
    .map((kind) => digestOf(kind, survey));
}

function digestOf(kind: Kind, survey: Survey): Proposal {
  const isChronic = isLasting(kind);
  const [channel] = [...kind.channels].sort(([, one], [, other]) => other - one)[0] ?? [];
  const what = kind.service === undefined ? kind.name : `${kind.name} of ${kind.service}`;
  const days = Math.max(1, Math.round((survey.to - survey.from) / 86_400_000));
  const why = isChronic
    ? 'It lasts for hours, and nobody acknowledged it.'
    : `Nobody acknowledged any of ${count(kind.messages, 'message')} in ${count(days, 'day')}.`;
  return {
    kind: isChronic ? 'chronic' : 'digest',
    title: `Tell ${what} in the digest only${kind.critical > 0 ? ', unless it is critical' : ''}.`,
    evidence: [lasting(kind), reactionsTo(kind)],
    edit: {
      kind: 'route',
      entry: {
        match: matchOf(kind),
        ...(channel === undefined ? {} : { channel }),
        urgency: 'digest',
        why,
      },
    },
  };
}

/** Half of them last for hours, or never were seen to end. */
function isLasting({ survival, firings }: Kind): boolean {
  const half = quantile(survival, 0.5);
  if (half !== undefined) return half >= CHRONIC_MS;
  return firings.some(({ at, endedAt }) => endedAt === undefined || endedAt - at >= CHRONIC_MS);
}

/** In the order in which people read them. Critical ones are never made quieter. */
function matchOf({ name, service, critical }: Kind): readonly string[] {
  return [
    `alertname=${quotedValue(name)}`,
    ...(service === undefined ? [] : [`service=${quotedValue(service)}`]),
    ...(critical > 0 ? ['severity!="critical"'] : []),
  ];
}

function lasting({ survival, firings, alerts }: Kind): string {
  const seen = `${count(firings.length, 'firing')} of ${count(alerts, 'alert')}`;
  const half = quantile(survival, 0.5);
  const most = quantile(survival, 0.9);
  const censored = survival.lives - survival.ended;
  const apart =
    censored === 0
      ? ''
      : `; ${figure(censored)} count as at least as long as they were seen, because somebody took them on or they were not seen to end`;
  if (half === undefined) return `${seen}; fewer than half were seen to end by themselves${apart}.`;
  const rest = most === undefined ? '' : `, nine of ten after ${duration(most)}`;
  return `${seen}; half are over after ${duration(half)}${rest}, when nobody touches them${apart}.`;
}

function reactionsTo({ messages, acknowledged, marked }: Kind): string {
  const taken =
    acknowledged === 0
      ? 'nobody acknowledged one'
      : `${count(acknowledged, 'incident')} with it acknowledged`;
  return `${count(messages, 'message')} of it alone: ${taken}, ${figure(marked)} marked 🗑️.`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
