/**
 * What Prometheus and its likes post to an Alertmanager's /api/v2/alerts.
 *
 * There is no status: an alert whose end is not after the time of the post is resolved; a later end is
 * the time after which it counts as resolved unless it is sent again. As in Alertmanager an empty
 * label is no label.
 */
import type { Labels, ReceivedAlert } from '../model.ts';
import {
  badTime,
  dated,
  type DeliveryContext,
  describe,
  isEmpty,
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
import { readTime } from './time.ts';

export function parsePrometheus(body: unknown, context: DeliveryContext): Parsed {
  if (!Array.isArray(body))
    return refused('body', `expected an array of alerts, got ${describe(body)}`);
  const refusal = tooMany(body, 'body');
  if (refusal !== undefined) return refusal;
  const events = readAlerts(body, context, (alert, index) =>
    readAlert(alert, `[${index}]`, context),
  );
  return { kind: 'parsed', events, truncated: 0 };
}

function readAlert(value: unknown, field: string, context: DeliveryContext): Read<ReceivedAlert> {
  if (!isObject(value)) return problem(field, `expected an object, got ${describe(value)}`);
  const received = readIdentity(value['labels'], `${field}.labels`);
  if (isProblem(received)) return received;
  const labels = withoutEmpty(received);
  if (isEmpty(labels))
    return problem(`${field}.labels`, 'an alert has at least one label with a value');
  const annotations = readAnnotations(value['annotations'], `${field}.annotations`);
  if (isProblem(annotations)) return annotations;
  const startsAt = readTime(value['startsAt']);
  if (startsAt === 'odd') return badTime(`${field}.startsAt`, value['startsAt']);
  const endsAt = readTime(value['endsAt']);
  if (endsAt === 'odd') return badTime(`${field}.endsAt`, value['endsAt']);
  if (typeof startsAt === 'number' && typeof endsAt === 'number' && endsAt < startsAt) {
    return problem(`${field}.endsAt`, 'is before startsAt');
  }
  const status = typeof endsAt === 'number' && endsAt <= context.at ? 'resolved' : 'firing';
  const generatorURL = readUrl(value['generatorURL']);
  return dated(status, startsAt, endsAt, { context, labels, annotations, generatorURL });
}

function withoutEmpty(labels: Labels): Labels {
  for (const name in labels) {
    if (labels[name] !== '') continue;
    const entries = Object.entries(labels).filter(([, value]) => value !== '');
    return Object.fromEntries(entries);
  }
  return labels;
}
