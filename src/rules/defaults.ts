/**
 * What holds when no rules file says anything. Where facts stand by default is in normalise.ts.
 */
import type { Gesture } from '../model.ts';
import type {
  ChronicRule,
  CorrelateRule,
  FlapRule,
  HeartbeatRule,
  LifeRule,
  StormRule,
  TransactionRule,
} from './rules.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
export const BUILT_IN = { rule: 'built-in', why: undefined } as const;

export const DEFAULT_FLAP: FlapRule = {
  halfLifeMs: 60 * MINUTE,
  suppress: 2_500,
  reuse: 1_000,
  quietMs: 10 * MINUTE,
  maxSuppressMs: 240 * MINUTE,
  sustainedMs: 20 * MINUTE,
  ...BUILT_IN,
};

export const DEFAULT_CHRONIC: ChronicRule = { firedMs: 360 * MINUTE, ...BUILT_IN };

export const DEFAULT_CORRELATE: CorrelateRule = {
  on: true,
  windowMs: 5 * MINUTE,
  spanMs: 60 * MINUTE,
  maxHops: 2,
  silent: 1,
  by: [],
  ...BUILT_IN,
};

/**
 * How long an alert that stands alone must last. Together with others it is told earlier (the weight
 * in life/proof.ts), so these may be long enough for what usually passes by itself in 1 to 4 minutes,
 * plus the interval at which its source says so. A critical one waits for two such intervals of a minute:
 * before the first has passed, nobody can hear of an end.
 */
export const DEFAULT_HOLD_MS = {
  critical: 150 * SECOND,
  high: 6 * MINUTE,
  warning: 8 * MINUTE,
  info: 15 * MINUTE,
  none: 15 * MINUTE,
} as const;

/**
 * How long critical alerts are held, by stated tier: tier 1 wakes people at once; what can wait a moment waits
 * until most blips have passed, unless something else fails, too.
 */
export const CRITICAL_HOLD_MS: Readonly<Record<string, number>> = {
  '1': 0,
  '2': 4 * MINUTE,
  '3': 5 * MINUTE,
};

export const DEFAULT_LIFE: LifeRule = {
  reopenWithinMs: 30 * MINUTE,
  verifySolvedMs: 5 * MINUTE,
  snoozeMs: 60 * MINUTE,
  refreshMs: 5 * SECOND,
  replyEveryMs: 5 * MINUTE,
  // An Alertmanager webhook names no end and repeats only every repeat_interval (4 h): never by us.
  resolveTimeoutMs: Number.POSITIVE_INFINITY,
};

export const DEFAULT_STORM: StormRule = { on: true, perMinute: 20, calmMs: 5 * MINUTE };

export const DEFAULT_TRANSACTION_RULE: TransactionRule = {
  ttlMs: 60 * MINUTE,
  alertsMax: 50,
  servicesMax: 12,
};

export const DEFAULT_HUB_CALLERS = 12;

const WATCHDOGS: ReadonlySet<string> = new Set(['Watchdog', 'DeadMansSwitch', 'DeadMansSnitch']);
export const DEFAULT_HEARTBEAT: HeartbeatRule = {
  name: 'Watchdog',
  matches: (subject) => WATCHDOGS.has(subject.facts.name),
  missingAfterMs: 15 * MINUTE,
  expected: false,
  channel: undefined,
  ...BUILT_IN,
};

export const DEFAULT_GESTURES: Readonly<Record<Gesture, readonly string[]>> = {
  acknowledge: ['eyes'],
  solved: ['white_check_mark', 'heavy_check_mark', 'ballot_box_with_check'],
  snooze: ['no_bell'],
  'not-actionable': ['wastebasket'],
};

export const DEFAULT_DIGEST = { minutes: [9 * 60], zone: 'UTC' } as const;
