/**
 * Alertmanager's route tree as Quell's: the same tree, with channels in place of receivers.
 */
import type { Path } from '../rules/files/source-file.ts';
import { readMatchers } from './matchers.ts';
import { isRecord, type Notes, textOf, textsOf } from './notes.ts';
import type { Receiver } from './receivers.ts';

export interface ImportedRoute {
  /** Where it stood. */
  readonly line: number;
  readonly receiver: string | undefined;
  readonly match: readonly string[];
  readonly channel: string | undefined;
  /** Undefined: as above it. */
  readonly mention: readonly string[] | undefined;
  readonly urgency: 'drop' | 'post' | undefined;
  readonly continue: boolean;
  readonly active: readonly string[];
  readonly mute: readonly string[];
  readonly routes: readonly ImportedRoute[];
}

export interface RouteContext {
  readonly receivers: ReadonlyMap<string, Receiver>;
  /** Names of the time intervals that are carried over. */
  readonly intervals: ReadonlySet<string>;
  readonly notes: Notes;
}

/** What a route inherits, as far as it has to be taken back below it. */
interface Above {
  readonly drops: boolean;
  readonly mentions: boolean;
}

const DEFAULT_CHANNEL = '#alerts';
const TREE = ['receiver', 'match', 'match_re', 'matchers', 'continue', 'routes'];
const INTERVALS = ['active_time_intervals', 'mute_time_intervals'] as const;
const GROUPING: Readonly<Record<string, string>> = {
  group_by:
    'Quell groups by cause (services.yaml says what depends on what); correlate: [{ by: [label] }] groups by labels',
  group_wait: 'Quell waits until something is worth telling (hold: in the rules)',
  group_interval: 'Quell changes its message when something changes',
  repeat_interval:
    'Quell says a thing once, and calls somebody when nobody reacts (escalate: on a route)',
};

export function readRoot(value: unknown, context: RouteContext): ImportedRoute | undefined {
  const root = readRoute(value, ['route'], { drops: false, mentions: false }, context);
  if (root === undefined) return undefined;
  const { notes } = context;
  if (root.active.length + root.mute.length > 0) {
    notes.add(['route'], 'the first route has no time intervals: left out');
  }
  const hasChannel = root.channel !== undefined && root.channel !== 'owner';
  if (!hasChannel && root.urgency !== 'drop') {
    const message = `the default receiver names no Slack channel: "${DEFAULT_CHANNEL}" is taken`;
    notes.add(['route'], message);
  }
  return {
    ...root,
    match: [],
    continue: false,
    active: [],
    mute: [],
    channel: hasChannel ? root.channel : DEFAULT_CHANNEL,
  };
}

function readRoute(
  value: unknown,
  path: Path,
  above: Above,
  context: RouteContext,
): ImportedRoute | undefined {
  const { notes } = context;
  if (!isRecord(value)) {
    notes.add(path, 'a route that is no mapping: left out');
    return undefined;
  }
  const match = readMatchers(value, path, notes, { prefix: '', of: 'route' });
  if (match === undefined) return undefined;
  noteTheRest(value, path, notes);
  const { name, receiver } = receiverOf(value, path, context);
  const { mention, urgency, below } = told(receiver, above);
  const goesOn = value['continue'] === true;
  const [active, mute] = INTERVALS.map((key) => intervalsOf(value, key, path, context));
  const routes = readRoutes(value, path, below, context);
  if (goesOn && path.length > 1) {
    if (!tellsSlack(receiver, routes)) {
      const message = `"continue: true" to a receiver without a Slack channel: the route is left out, what it matches goes on as before`;
      notes.add([...path, 'continue'], message);
      return undefined;
    }
    const message =
      '"continue: true" means something else: one incident has one message, so a later route that matches overrides the channel instead of adding one';
    notes.add([...path, 'continue'], message);
  }
  return {
    line: notes.lineOf(path),
    receiver: name,
    match,
    channel: receiver?.channel,
    mention,
    urgency,
    continue: goesOn,
    active: active ?? [],
    mute: mute ?? [],
    routes,
  };
}

/** A receiver of its own ends what is inherited from the one above: its silence, and whom it calls. */
function told(receiver: Receiver | undefined, above: Above) {
  if (receiver === undefined) return { mention: undefined, urgency: undefined, below: above };
  const drops = receiver.isSilent;
  const { mention } = receiver;
  const below: Above = { drops, mentions: mention.length > 0 };
  const urgency = drops ? 'drop' : above.drops ? 'post' : undefined;
  const isStated = mention.length > 0 || above.mentions;
  return { mention: isStated ? mention : undefined, urgency, below } as const;
}

function tellsSlack(receiver: Receiver | undefined, routes: readonly ImportedRoute[]): boolean {
  if (receiver === undefined || receiver.channel !== undefined) return true;
  return routes.some((route) => route.channel !== undefined || tellsSlack(receiver, route.routes));
}

function receiverOf(
  route: Readonly<Record<string, unknown>>,
  path: Path,
  { receivers, notes }: RouteContext,
) {
  const name = textOf(route['receiver']);
  const receiver = receivers.get(name ?? '');
  if (name !== undefined && receiver === undefined) {
    const message = `there is no receiver "${name}": the route keeps the channel above it`;
    notes.add([...path, 'receiver'], message);
  }
  return { name, receiver };
}

function intervalsOf(
  route: Readonly<Record<string, unknown>>,
  key: (typeof INTERVALS)[number],
  path: Path,
  { intervals, notes }: RouteContext,
): readonly string[] {
  return textsOf(route[key]).filter((name) => {
    if (intervals.has(name)) return true;
    notes.add([...path, key], `there is no time interval "${name}": left out`);
    return false;
  });
}

function readRoutes(
  { routes }: Readonly<Record<string, unknown>>,
  path: Path,
  above: Above,
  context: RouteContext,
): readonly ImportedRoute[] {
  if (routes === undefined || routes === null) return [];
  if (!Array.isArray(routes)) {
    context.notes.add([...path, 'routes'], '"routes" is no list: left out');
    return [];
  }
  return routes.flatMap(
    (child: unknown, index) => readRoute(child, [...path, 'routes', index], above, context) ?? [],
  );
}

function noteTheRest(route: Readonly<Record<string, unknown>>, path: Path, notes: Notes): void {
  for (const key of Object.keys(route)) {
    const instead = Object.hasOwn(GROUPING, key) ? GROUPING[key] : undefined;
    if (instead !== undefined) notes.add([...path, key], `${key} is not carried over: ${instead}`);
    else if (!TREE.includes(key) && !INTERVALS.some((known) => known === key)) {
      notes.add([...path, key], `"${key}" of a route is nothing that Quell knows: left out`);
    }
  }
}

/** As YAML, each route with the line that it comes from. */
export function routeLines(route: ImportedRoute, file: string, indent: string): readonly string[] {
  const own: string[] = [];
  const { match, mention, active, mute } = route;
  if (match.length > 0) own.push(`match: ${list(match)}`);
  if (route.channel !== undefined) own.push(`channel: ${quoted(route.channel)}`);
  if (mention !== undefined) own.push(`mention: ${list(mention)}`);
  if (route.urgency !== undefined) own.push(`urgency: ${route.urgency}`);
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

export function list(texts: readonly string[]): string {
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
