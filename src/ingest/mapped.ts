/**
 * Any JSON, read through a mapping of the rules: `POST /v1/ingest/<name of the mapping>`.
 *
 * A path is `data.check.name`, `items[0].id` or `["key.with.dots"]`. Paths beginning with `$.` start
 * at the body, all others at the alert. A label whose path leads nowhere is left out.
 */
import type { Labels, ReceivedAlert } from '../model.ts';
import type { Mapping } from '../rules/rules.ts';
import { readLooseTime, stringified } from './loose.ts';
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

export function parseMapped(body: unknown, mapping: Mapping, context: DeliveryContext): Parsed {
  const field = mapping.alerts?.replace(/\[\]$/, '') ?? 'body';
  const found = mapping.alerts === undefined ? body : at(body, field);
  const list = Array.isArray(found) ? found : [found];
  if (found === undefined || (!Array.isArray(found) && !isObject(found))) {
    return refused(
      field,
      `expected alerts as the mapping says (${mapping.rule}), got ${describe(found)}`,
    );
  }
  const refusal = tooMany(list, field);
  if (refusal !== undefined) return refusal;
  const events = readAlerts(list, context, (alert, index) =>
    readAlert(alert, { body, mapping, context, field: `${field}[${index}]` }),
  );
  return { kind: 'parsed', events, truncated: 0 };
}

interface Place {
  readonly body: unknown;
  readonly mapping: Mapping;
  readonly context: DeliveryContext;
  readonly field: string;
}

function readAlert(value: unknown, place: Place): Read<ReceivedAlert> {
  const { body, mapping, context, field } = place;
  if (!isObject(value)) return problem(field, `expected an object, got ${describe(value)}`);
  const read = (path: string | undefined): unknown =>
    path === undefined
      ? undefined
      : path.startsWith('$.')
        ? at(body, path.slice(2))
        : at(value, path);
  const labels = readIdentity(textsOf(mapping.labels, read), `${field}: labels`);
  if (isProblem(labels)) return labels;
  const annotations = readAnnotations(textsOf(mapping.annotations, read), `${field}: annotations`);
  if (isProblem(annotations)) return annotations;
  const startsAt = readLooseTime(read(mapping.startsAt));
  if (startsAt === 'odd') return badTime(`${field}.${mapping.startsAt}`, read(mapping.startsAt));
  const endsAt = readLooseTime(read(mapping.endsAt));
  if (endsAt === 'odd') return badTime(`${field}.${mapping.endsAt}`, read(mapping.endsAt));
  const status = readStatus(mapping, read, endsAt, context);
  if (status === undefined) {
    const from = mapping.status?.from;
    const got = describe(from === undefined ? undefined : read(from));
    return problem(`${field}.${from}`, `expected a status, as the mapping says, got ${got}`);
  }
  const generatorURL = readUrl(read(mapping.generatorURL));
  return dated(status, startsAt, endsAt, { context, labels, annotations, generatorURL });
}

/**
 * Every word but those for resolved fires: an alert too many is better than one too few.
 * Undefined when there is no word at all: the mapping, or the tool, is another than was thought.
 */
function readStatus(
  { status }: Mapping,
  read: (path: string) => unknown,
  endsAt: number | 'unset',
  context: DeliveryContext,
): ReceivedAlert['status'] | undefined {
  if (status === undefined)
    return endsAt !== 'unset' && endsAt <= context.at ? 'resolved' : 'firing';
  const said = stringified(read(status.from))?.toLowerCase();
  if (said === undefined) return undefined;
  return status.resolved.some((word) => word.toLowerCase() === said) ? 'resolved' : 'firing';
}

function textsOf(paths: Mapping['labels'], read: (path: string) => unknown): Labels {
  const texts: [string, string][] = [];
  for (const [name, path] of Object.entries(paths)) {
    const text = path.startsWith('=') ? path.slice(1) : stringified(read(path));
    if (text !== undefined && text !== '') texts.push([name, text]);
  }
  return Object.fromEntries(texts);
}

/** What stands at a path; own properties only. */
function at(value: unknown, path: string): unknown {
  let here = value;
  for (const step of stepsOf(path)) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    // An object with that key of its own.
    here = (here as Record<string, unknown>)[step];
  }
  return here;
}

const STEPS_KEPT_MAX = 1_000;
const stepsKept = new Map<string, readonly string[]>();

/** Paths come from the rules, so there are few of them; they are split once. */
function stepsOf(path: string): readonly string[] {
  const kept = stepsKept.get(path);
  if (kept !== undefined) return kept;
  const steps: string[] = [];
  for (const [, quoted, index, name] of path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([^.[\]]+)/g)) {
    steps.push(quoted ?? index ?? name ?? '');
  }
  if (stepsKept.size >= STEPS_KEPT_MAX) stepsKept.clear();
  stepsKept.set(path, steps);
  return steps;
}
