/**
 * Alertmanager's webhook, version 4; Grafana's has the same shape.
 *
 * The status of each alert counts, never the group's: it is computed after `max_alerts` cut the list.
 * Unknown keys are ignored, and what only describes the group (groupKey, commonLabels,
 * notification_reason, routeLabels ...) is not needed: Quell groups by cause.
 */
import type { ReceivedAlert } from '../model.ts';
import {
  badTime,
  dated,
  type DeliveryContext,
  describe,
  isObject,
  isProblem,
  type Parsed,
  problem,
  type Read,
  readAlerts,
  readAnnotations,
  readIdentity,
  readUrl,
  refused,
  tooMany,
} from './parsed.ts';
import { readTime, type ReadTime } from './time.ts';

export function parseAlertmanager(body: unknown, context: DeliveryContext): Parsed {
  if (!isObject(body)) {
    return refused('body', `expected Alertmanager's webhook, an object, got ${describe(body)}`);
  }
  const { alerts, truncatedAlerts } = body;
  if (!Array.isArray(alerts))
    return refused('alerts', `expected an array, got ${describe(alerts)}`);
  const refusal = tooMany(alerts, 'alerts');
  if (refusal !== undefined) return refusal;
  const events = readAlerts(alerts, context, (alert, index) =>
    readAlert(alert, `alerts[${index}]`, body['status'], context),
  );
  // A number that cannot be counted would spoil the count for ever.
  const counts = typeof truncatedAlerts === 'number' && Number.isSafeInteger(truncatedAlerts);
  const truncated = counts ? Math.max(0, truncatedAlerts) : 0;
  return { kind: 'parsed', events, truncated };
}

function readAlert(
  value: unknown,
  field: string,
  groupStatus: unknown,
  context: DeliveryContext,
): Read<ReceivedAlert> {
  if (!isObject(value)) return problem(field, `expected an object, got ${describe(value)}`);
  const labels = readIdentity(value['labels'], `${field}.labels`);
  if (isProblem(labels)) return labels;
  const annotations = readAnnotations(value['annotations'], `${field}.annotations`);
  if (isProblem(annotations)) return annotations;
  const startsAt = readTime(value['startsAt']);
  if (startsAt === 'odd') return badTime(`${field}.startsAt`, value['startsAt']);
  const endsAt = readTime(value['endsAt']);
  if (endsAt === 'odd') return badTime(`${field}.endsAt`, value['endsAt']);
  const status = readStatus(value['status'], groupStatus, endsAt, context);
  if (status === undefined) {
    const got = describe(value['status']);
    return problem(`${field}.status`, `expected "firing" or "resolved", got ${got}`);
  }
  return dated(status, startsAt, endsAt, {
    context,
    labels,
    annotations,
    generatorURL: readUrl(value['generatorURL']),
  });
}

/** Custom payloads may leave the alert's own status out. */
function readStatus(
  status: unknown,
  groupStatus: unknown,
  endsAt: ReadTime,
  { at }: DeliveryContext,
): ReceivedAlert['status'] | undefined {
  if (status === 'firing' || status === 'resolved') return status;
  if (status !== undefined) return undefined;
  if (typeof endsAt === 'number') return endsAt <= at ? 'resolved' : 'firing';
  return groupStatus === 'firing' || groupStatus === 'resolved' ? groupStatus : undefined;
}
