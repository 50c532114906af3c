/**
 * Any JSON, read through a mapping of the rules: `POST /v1/ingest/<name of the mapping>`.
 *
 * Paths (path.ts) that begin with `$.` start at the body, all others at the alert; of several the first that
 * leads to a text counts. A label whose paths lead nowhere is left out.
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
import { createWalk } from './path.ts';

export function parseMapped(body: unknown, mapping: Mapping, context: DeliveryContext): Parsed {
  const field = mapping.alerts?.replace(/\[\]$/, '') ?? 'body';
  const found = mapping.alerts === undefined ? body : createWalk()(body, field);
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

function readAlert(value: unknown, place: Place): Read<ReceivedAlert> | undefined {
  const { body, mapping, context, field } = place;
  if (!isObject(value)) return problem(field, `expected an object, got ${describe(value)}`);
  const walk = createWalk();
  const read = (paths: Paths = []): unknown =>
    firstOf(paths, (path) => {
      if (path.startsWith('=')) return path.slice(1);
      return path.startsWith('$.') ? walk(body, path.slice(2)) : walk(value, path);
    });
  const status = readStatus(mapping, read, context);
  if (status === 'ignored') return undefined;
  const labels = readIdentity(textsOf(mapping.labels, read), `${field}: labels`);
  if (isProblem(labels)) return labels;
  const annotations = readAnnotations(textsOf(mapping.annotations, read), `${field}: annotations`);
  if (isProblem(annotations)) return annotations;
  const startsAt = readLooseTime(read(mapping.startsAt));
  if (startsAt === 'odd')
    return badTime(`${field}.${named(mapping.startsAt)}`, read(mapping.startsAt));
  const endsAt = readLooseTime(read(mapping.endsAt));
  if (endsAt === 'odd') return badTime(`${field}.${named(mapping.endsAt)}`, read(mapping.endsAt));
  if (status === 'none') {
    const from = mapping.status?.from;
    const got = describe(read(from));
    return problem(`${field}.${named(from)}`, `expected a status, as the mapping says, got ${got}`);
  }
  const generatorURL = readUrl(read(mapping.generatorURL));
  return dated(status, startsAt, endsAt, { context, labels, annotations, generatorURL });
}

/**
 * Every word but those for resolved fires: an alert too many is better than one too few.
 * None when there is no word at all: the mapping, or the tool, is another than was thought.
 */
function readStatus(
  { status, endsAt }: Mapping,
  read: (paths?: Paths) => unknown,
  { at }: DeliveryContext,
): ReceivedAlert['status'] | 'ignored' | 'none' {
  if (status === undefined) {
    const end = readLooseTime(read(endsAt));
    return typeof end === 'number' && end <= at ? 'resolved' : 'firing';
  }
  const said = stringified(read(status.from))?.toLowerCase();
  if (said === undefined) return 'none';
  const isAmong = (words: readonly string[]) => words.some((word) => word.toLowerCase() === said);
  if (isAmong(status.ignored)) return 'ignored';
  return isAmong(status.resolved) ? 'resolved' : 'firing';
}

type Paths = readonly string[];

/** What the first path leads to that leads to a text; else what the first one leads to, to be spoken of. */
function firstOf(paths: Paths, walk: (path: string) => unknown): unknown {
  let first: unknown;
  for (const path of paths) {
    const found = walk(path);
    if ((stringified(found) ?? '') !== '') return found;
    first ??= found;
  }
  return first;
}

function named(paths: Paths = []): string {
  return paths.join(' or ');
}

function textsOf(all: Mapping['labels'], read: (paths: Paths) => unknown): Labels {
  const texts: [string, string][] = [];
  for (const [name, paths] of Object.entries(all)) {
    const text = stringified(read(paths));
    if (text !== undefined && text !== '') texts.push([name, text]);
  }
  return Object.fromEntries(texts);
}
