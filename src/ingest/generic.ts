/**
 * `POST /v1/ingest/generic`: a small JSON for tools that have no parser of their own.
 *
 * One alert, an array of them, or `{"alerts": [...]}`; docs/ingest.md describes the fields. The fields
 * that are given by name become labels and annotations of that name, which is where the rules look
 * for facts; a label that is also given under `labels` counts.
 */
import type { Labels, ReceivedAlert } from '../model.ts';
import { didYouMean } from '../rules/did-you-mean.ts';
import {
  badTime,
  dated,
  type DeliveryContext,
  describe,
  isObject,
  isProblem,
  type JsonObject,
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
import { readLooseTime, stringified } from './loose.ts';

/** Field of the alert -> label. The first of several that is there counts. */
const LABEL_FIELDS = [
  ['name', 'alertname'],
  ['title', 'alertname'],
  ['service', 'service'],
  ['environment', 'environment'],
  ['severity', 'severity'],
  ['host', 'host'],
  ['transaction', 'transaction_id'],
] as const;
const ANNOTATION_FIELDS = [
  ['summary', 'summary'],
  ['description', 'description'],
  ['runbook', 'runbook_url'],
  ['dashboard', 'dashboard_url'],
] as const;

const FIRING: ReadonlySet<string> = new Set([
  'firing',
  'active',
  'open',
  'triggered',
  'alarm',
  'alerting',
  'critical',
  'down',
  'problem',
]);
const RESOLVED: ReadonlySet<string> = new Set([
  'resolved',
  'ok',
  'closed',
  'normal',
  'up',
  'recovered',
  'inactive',
]);

export function parseGeneric(body: unknown, context: DeliveryContext): Parsed {
  const list = listOf(body);
  if (list === undefined) {
    return refused(
      'body',
      `expected an alert, an array of alerts or {"alerts": [...]}, got ${describe(body)}`,
    );
  }
  const { alerts, field } = list;
  if (!Array.isArray(alerts)) return refused(field, `expected an array, got ${describe(alerts)}`);
  const refusal = tooMany(alerts, field);
  if (refusal !== undefined) return refusal;
  const place = (index: number): string =>
    field === 'alert' ? field : `${field === 'body' ? '' : field}[${index}]`;
  const events = readAlerts(alerts, context, (alert, index) =>
    readAlert(alert, place(index), context),
  );
  return { kind: 'parsed', events, truncated: 0, warnings: misspelt(alerts) };
}

const FIELDS: ReadonlySet<string> = new Set([
  ...LABEL_FIELDS.map(([name]) => name),
  ...ANNOTATION_FIELDS.map(([name]) => name),
  'status',
  'labels',
  'annotations',
  'startsAt',
  'endsAt',
  'url',
  'generatorURL',
]);
/** Different names that are looked at: comparing costs. */
const STRANGERS_MAX = 100;

/** Fields that are almost one that is known, each once. Whatever else a tool sends along is its own. */
function misspelt(alerts: readonly unknown[]): readonly string[] {
  const seen = new Set<string>();
  const warnings: string[] = [];
  for (const alert of alerts) {
    if (!isObject(alert)) continue;
    for (const name of Object.keys(alert)) {
      if (FIELDS.has(name) || seen.has(name)) continue;
      if (seen.size >= STRANGERS_MAX) return warnings;
      seen.add(name);
      const hint = didYouMean(name, FIELDS);
      if (hint !== undefined) warnings.push(`the field "${name}" was left out: ${hint}`);
    }
  }
  return warnings;
}

function listOf(body: unknown): { readonly alerts: unknown; readonly field: string } | undefined {
  if (Array.isArray(body)) return { alerts: body, field: 'body' };
  if (!isObject(body)) return undefined;
  if (Object.hasOwn(body, 'alerts')) return { alerts: body['alerts'], field: 'alerts' };
  return { alerts: [body], field: 'alert' };
}

function readAlert(value: unknown, field: string, context: DeliveryContext): Read<ReceivedAlert> {
  if (!isObject(value)) return problem(field, `expected an object, got ${describe(value)}`);
  const labels = withFields(value, 'labels', LABEL_FIELDS, field);
  if (isProblem(labels)) return labels;
  if (labels['alertname'] === undefined) {
    return problem(`${field}.name`, 'expected the name of what is wrong, got nothing');
  }
  const identity = readIdentity(labels, `${field}.labels`);
  if (isProblem(identity)) return identity;
  const texts = withFields(value, 'annotations', ANNOTATION_FIELDS, field);
  const annotations = isProblem(texts) ? texts : readAnnotations(texts, `${field}.annotations`);
  if (isProblem(annotations)) return annotations;
  const startsAt = readLooseTime(value['startsAt']);
  if (startsAt === 'odd') return badTime(`${field}.startsAt`, value['startsAt']);
  const endsAt = readLooseTime(value['endsAt']);
  if (endsAt === 'odd') return badTime(`${field}.endsAt`, value['endsAt']);
  const status = readStatus(value['status'], endsAt, context);
  if (status === undefined) {
    return problem(
      `${field}.status`,
      `expected "firing" or "resolved", got ${describe(value['status'])}`,
    );
  }
  const generatorURL = readUrl(value['generatorURL'] ?? value['url']);
  return dated(status, startsAt, endsAt, { context, labels, annotations, generatorURL });
}

function readStatus(
  value: unknown,
  endsAt: number | 'unset',
  { at }: DeliveryContext,
): ReceivedAlert['status'] | undefined {
  if (value === undefined || value === null) {
    return endsAt !== 'unset' && endsAt <= at ? 'resolved' : 'firing';
  }
  if (typeof value !== 'string') return undefined;
  const status = value.toLowerCase();
  if (FIRING.has(status)) return 'firing';
  return RESOLVED.has(status) ? 'resolved' : undefined;
}

/** The object under `key` with the fields that have a name of their own. Null and empty is not given. */
function withFields(
  alert: JsonObject,
  key: 'labels' | 'annotations',
  fields: readonly (readonly [string, string])[],
  field: string,
): Read<Labels> {
  const given = alert[key] ?? {};
  if (!isObject(given)) {
    return problem(`${field}.${key}`, `expected an object of strings, got ${describe(given)}`);
  }
  const result: [string, string][] = [];
  for (const [name, value] of Object.entries(given)) {
    const text = stringified(value);
    if (text === undefined)
      return problem(`${field}.${key}.${name}`, `expected a string, got ${describe(value)}`);
    result.push([name, text]);
  }
  for (const [from, to] of fields) {
    const value = alert[from];
    if (value === undefined || value === null || value === '') continue;
    const text = stringified(value);
    if (text === undefined)
      return problem(`${field}.${from}`, `expected a string, got ${describe(value)}`);
    if (!result.some(([name]) => name === to)) result.push([to, text]);
  }
  return Object.fromEntries(result);
}
