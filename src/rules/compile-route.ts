/**
 * The route tree from `route:`, checked: no route that nothing can reach, no unknown name.
 */
import type { Entry } from './collect.ts';
import type { Directory } from './compile-people.ts';
import { type CompiledMatch, type MatchContext, compileMatch } from './compile-match.ts';
import type { Schedules } from './compile-times.ts';
import { below } from './report.ts';
import {
  DEFAULT_CHANNEL,
  DEFAULT_ROUTE,
  type Escalation,
  type Mention,
  type NamedSchedule,
  type RouteNode,
} from './route.ts';
import type { RouteSource } from './schema.ts';
import { type Place, refOf } from './source-file.ts';

export interface RouteContext extends MatchContext {
  readonly directory: Directory;
  readonly schedules: Schedules;
}

export function compileRoute(
  entry: Entry<RouteSource> | undefined,
  context: RouteContext,
): RouteNode {
  if (entry === undefined) return DEFAULT_ROUTE;
  const { value, place } = entry;
  const root = compileNode(entry, context);
  if (root.matchers.length > 0) {
    const hint = 'the root takes what no other route takes: move the matchers to a route below it';
    context.report.error(below(place, 'match'), 'the root route has matchers', hint, 'key');
  }
  if (value.continue === true) {
    context.report.error(below(place, 'continue'), 'the root route has no sibling to go on to');
  }
  if (root.node.mute.length + root.node.active.length > 0) {
    const hint = 'put them on a route below it, or use maintenance:';
    context.report.error(place, 'the root route cannot have time intervals', hint);
  }
  return { ...root.node, channel: root.node.channel ?? DEFAULT_CHANNEL };
}

interface Compiled {
  readonly node: RouteNode;
  readonly matchers: CompiledMatch['matchers'];
}

function compileNode({ value, place }: Entry<RouteSource>, context: RouteContext): Compiled {
  const match = compileMatch({ value, place }, context);
  const children = (value.routes ?? []).map((child, i) => {
    const entry = { value: child, place: below(place, 'routes', i) };
    return { entry, compiled: compileNode(entry, context) };
  });
  reportUnreachable(
    children.map(({ entry, compiled }) => ({
      place: entry.place,
      matchers: compiled.matchers,
      goesOn: compiled.node.goesOn,
    })),
    context,
  );
  const node: RouteNode = {
    matches: match.test,
    goesOn: value.continue ?? false,
    channel: value.channel,
    mention: mentions(value.mention, below(place, 'mention'), context),
    urgency: value.urgency,
    escalate: escalation(value, place, context),
    mute: [
      ...intervals(value.muteTimeIntervals, below(place, 'muteTimeIntervals'), context),
      ...intervals(value.mute_time_intervals, below(place, 'mute_time_intervals'), context),
    ],
    active: [
      ...intervals(value.activeTimeIntervals, below(place, 'activeTimeIntervals'), context),
      ...intervals(value.active_time_intervals, below(place, 'active_time_intervals'), context),
    ],
    routes: children.map(({ compiled }) => compiled.node),
    rule: refOf(place),
    why: value.why,
  };
  return { node, matchers: match.matchers };
}

interface Sibling {
  readonly place: Place;
  readonly matchers: CompiledMatch['matchers'];
  readonly goesOn: boolean;
}

/** Certain cases only: a sibling before it takes everything, or asks for no more than it does. */
function reportUnreachable(siblings: readonly Sibling[], context: RouteContext): void {
  for (const [i, sibling] of siblings.entries()) {
    const wanted = new Set(sibling.matchers.map(keyOf));
    const taker = siblings
      .slice(0, i)
      .find((one) => !one.goesOn && one.matchers.every((matcher) => wanted.has(keyOf(matcher))));
    if (taker === undefined) continue;
    const all = taker.matchers.length === 0;
    const what = all ? 'takes everything' : 'takes all that it would match';
    const hint = all
      ? 'move it before that route, or give that one a match or "continue: true"'
      : 'move it before that route, or set "continue: true" there';
    const message = `unreachable route: the one in ${refOf(taker.place)} ${what}`;
    context.report.error(sibling.place, message, hint);
  }
}

function keyOf(matcher: CompiledMatch['matchers'][number]): string {
  return JSON.stringify([matcher.name, matcher.operator, matcher.value]);
}

function mentions(
  names: readonly string[] | undefined,
  place: Place,
  context: RouteContext,
): readonly Mention[] | undefined {
  return names
    ?.map((name, i) => context.directory.mention(name, below(place, i)))
    .filter((mention) => mention !== undefined);
}

function escalation(
  { escalate }: RouteSource,
  place: Place,
  context: RouteContext,
): Escalation | 'off' | undefined {
  if (escalate === undefined) return undefined;
  const at = below(place, 'escalate', 'mention');
  const mention = mentions(escalate.mention, at, context) ?? [];
  return escalate.mention.length === 0 ? 'off' : { afterMs: escalate.after, mention };
}

function intervals(
  names: readonly string[] | undefined,
  place: Place,
  context: RouteContext,
): readonly NamedSchedule[] {
  return (names ?? [])
    .map((name, i) => context.schedules.find(name, below(place, i)))
    .filter((schedule) => schedule !== undefined);
}
