/**
 * Sources that the rules do not know any more: somebody took their mapping out, and what they send is
 * refused. What fires of them and names no end could never end. It ends after an hour, unless the mapping
 * is back by then.
 */
import type { Alert } from '../model.ts';
import { type Rules, SOURCES } from '../rules/rules.ts';
import { scheduleAlert } from './schedule.ts';
import { keyOf } from '../state/keys.ts';
import { type LaneState, refreshAlert } from '../state/state.ts';
import { schedule, type Steps } from '../state/timers.ts';
import type { Turn } from '../state/turn.ts';
import { alertWith } from '../state/with.ts';

/** Enough to notice that it was a mistake. */
export const LOST_SOURCE_MS = 60 * 60_000;

/** Other rules are in force, or the lane was loaded. */
export function* reviewSources({ state, rules, now }: Turn): Steps {
  for (const alert of state.alerts.values()) {
    if (isLost(alert, rules))
      schedule(state.timers, keyOf('source', alert.source), now + LOST_SOURCE_MS);
    yield;
  }
}

/** How many alerts of each can end by nothing that their source says. */
export function lostSources({ alerts }: LaneState, rules: Rules): ReadonlyMap<string, number> {
  const lost = new Map<string, number>();
  for (const alert of alerts.values())
    if (isLost(alert, rules)) lost.set(alert.source, (lost.get(alert.source) ?? 0) + 1);
  return lost;
}

/** Its hour is over. Each alert ends as what is due, so very many are not ended in one go. */
export function lostSourceDue(turn: Turn, source: string): void {
  if (knowsSource(turn.rules, source)) return;
  for (const alert of turn.state.alerts.values()) {
    if (alert.source !== source || !isEndless(alert)) continue;
    const ending = alertWith(alert, { expiresAt: turn.now });
    refreshAlert(turn.state, ending);
    scheduleAlert(turn, ending);
  }
}

export function knowsSource({ mappings }: Rules, source: string): boolean {
  return mappings.has(source) || SOURCES.some((known) => known === source);
}

function isLost(alert: Alert, rules: Rules): boolean {
  return isEndless(alert) && !knowsSource(rules, alert.source);
}

function isEndless({ status, expiresAt }: Alert): boolean {
  return status === 'firing' && expiresAt === undefined;
}
