/**
 * Alertmanager's route tree as Quell's: the same tree, with channels in place of receivers.
 */
import type { Path } from '../rules/source-file.ts';
import { readMatchers } from './matchers.ts';
import { isRecord, type Notes, textsOf } from './notes.ts';
import type { Receiver } from './receivers.ts';

export interface ImportedRoute {
  /** Where it stood. */
  readonly line: number;
  readonly receiver: string | undefined;
  readonly match: readonly string[];
  readonly channel: string | undefined;
  readonly mention: readonly string[];
  readonly drop: boolean;
  readonly continue: boolean;
  readonly active: readonly string[];
  readonly mute: readonly string[];
  readonly routes: readonly ImportedRoute[];
}

const DEFAULT_CHANNEL = '#alerts';

export function readRoute(
  value: unknown,
  path: Path,
  receivers: ReadonlyMap<string, Receiver>,
  notes: Notes,
): ImportedRoute | undefined {
  if (!isRecord(value)) {
    notes.add(path, 'a route that is no mapping: left out');
    return undefined;
  }
  const isRoot = path.length === 1;
  const { name, receiver } = receiverOf(value, path, receivers, notes);
  return {
    line: notes.lineOf(path),
    receiver: name,
    match: isRoot ? [] : readMatchers(value, path, notes),
    channel: receiver?.channel ?? (isRoot ? DEFAULT_CHANNEL : undefined),
    mention: receiver?.mention ?? [],
    drop: receiver?.isSilent === true,
    continue: value['continue'] === true,
    active: textsOf(value['active_time_intervals']),
    mute: textsOf(value['mute_time_intervals']),
    routes: readRoutes(value['routes'], path, receivers, notes),
  };
}

function receiverOf(
  route: Readonly<Record<string, unknown>>,
  path: Path,
  receivers: ReadonlyMap<string, Receiver>,
  notes: Notes,
) {
  const name = typeof route['receiver'] === 'string' ? route['receiver'] : undefined;
  const receiver = receivers.get(name ?? '');
  if (name !== undefined && receiver === undefined) {
    const message = `there is no receiver "${name}": the route keeps the channel above it`;
    notes.add([...path, 'receiver'], message);
  }
  if (path.length === 1 && receiver?.channel === undefined) {
    const message = `the default receiver posts to no Slack channel: "${DEFAULT_CHANNEL}" is taken`;
    notes.add(path, message);
  }
  return { name, receiver };
}

function readRoutes(
  value: unknown,
  path: Path,
  receivers: ReadonlyMap<string, Receiver>,
  notes: Notes,
): readonly ImportedRoute[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap(
    (child, index) => readRoute(child, [...path, 'routes', index], receivers, notes) ?? [],
  );
}

/** As YAML, each route with the line that it comes from. */
export function routeLines(route: ImportedRoute, file: string, indent: string): readonly string[] {
  const own: string[] = [];
  const { match, mention, active, mute } = route;
  if (match.length > 0) own.push(`match: ${list(match)}`);
  if (route.channel !== undefined) own.push(`channel: ${quoted(route.channel)}`);
  if (mention.length > 0) own.push(`mention: ${list(mention)}`);
  if (route.drop) own.push('urgency: drop');
  if (route.continue) own.push('continue: true');
  if (active.length > 0) own.push(`activeTimeIntervals: ${list(active)}`);
  if (mute.length > 0) own.push(`muteTimeIntervals: ${list(mute)}`);
  if (own.length === 0 && route.routes.length === 0) own.push('match: []');
  const lines = own.map((line) => `${indent}${line}`);
  if (route.routes.length > 0) lines.push(`${indent}routes:`);
  for (const child of route.routes) {
    const from = child.receiver === undefined ? '' : `, receiver ${child.receiver}`;
    lines.push(`${indent}  # ${oneLine(`${file}:${child.line}${from}`)}`);
    const [first = '', ...rest] = routeLines(child, file, `${indent}    `);
    lines.push(`${indent}  - ${first.trimStart()}`, ...rest);
  }
  return lines;
}

function list(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`;
}

export function quoted(text: string): string {
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)
    ? JSON.stringify(text)
    : `'${text.replaceAll("'", "''")}'`;
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
