/** Shortcuts for parser tests: a context, and the alerts and problems of what was parsed. */
import { expect } from 'vitest';
import type { ReceivedAlert } from '../../src/model.ts';
import type { DeliveryContext, Parsed } from '../../src/ingest/parsed.ts';

export const AT = Date.parse('2026-11-21T01:30:00Z');

export function context(over: Partial<DeliveryContext> = {}): DeliveryContext {
  return { source: 'alertmanager', delivery: 'd1', at: AT, ...over };
}

export function alertsOf(parsed: Parsed): readonly ReceivedAlert[] {
  if (parsed.kind === 'refused') throw new Error(parsed.error);
  return parsed.events.flatMap((event) => (event.kind === 'alert' ? [event.alert] : []));
}

export function oddOf(parsed: Parsed): readonly string[] {
  if (parsed.kind === 'refused') throw new Error(parsed.error);
  return parsed.events.flatMap((event) => (event.kind === 'odd' ? [event.error] : []));
}

export function onlyAlert(parsed: Parsed): ReceivedAlert {
  expect(oddOf(parsed)).toEqual([]);
  const [alert, ...more] = alertsOf(parsed);
  expect(more).toEqual([]);
  if (alert === undefined) throw new Error('no alert');
  return alert;
}
