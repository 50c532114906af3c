/**
 * What holds when no rules file says anything: life of an incident, storm, heartbeats, reactions.
 * Holds, flap damping and correlation have theirs in tuning.ts, facts in normalise.ts.
 */
import type { Gesture } from '../model.ts';
import type { HeartbeatRule, LifeRule, StormRule, TransactionRule } from './rules.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

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
  rule: 'built-in',
  why: undefined,
};

export const DEFAULT_GESTURES: Readonly<Record<Gesture, readonly string[]>> = {
  acknowledge: ['eyes'],
  solved: ['white_check_mark', 'heavy_check_mark', 'ballot_box_with_check'],
  snooze: ['no_bell'],
  'not-actionable': ['wastebasket'],
};

export const DEFAULT_DIGEST = { minutes: [9 * 60], zone: 'UTC' } as const;
