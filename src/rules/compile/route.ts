/**
 * The route tree from `route:`, checked: no route that nothing can reach, no unknown name.
 */
import type { Entry } from './collect.ts';
import type { Directory } from './people.ts';
import { type MatchContext, compileMatch, matchPlace } from './match.ts';
import type { Schedules } from './times.ts';
import { type Condition, boundsOf, contradiction, createOrder } from './reach.ts';
import { type Report, below } from '../files/report.ts';
import {
  DEFAULT_CHANNEL,
  DEFAULT_ROUTE,
  type Escalation,
  type Mention,
  type NamedSchedule,
  type RouteNode,
} from '../route.ts';
import type { RouteSource } from './schema.ts';
import { type Place, refOf } from '../files/source-file.ts';

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
  const root = compileNode(entry, [], context);
  if (root.conditions.length > 0) {
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
  readonly conditions: readonly Condition[];
}

/** `above` are the conditions of the routes on the way to it. */
function compileNode(
  { value, place }: Entry<RouteSource>,
  above: readonly Condition[],
  context: RouteContext,
): Compiled {
  const match = compileMatch({ value, place }, context);
  const all = [...above, ...match.conditions];
  const children = (value.routes ?? []).map((child, i) => {
    const entry = { value: child, place: below(place, 'routes', i) };
    return { entry, compiled: compileNode(entry, all, context) };
  });
  warnOfUnreachable(children, all, context);
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
  return { node, conditions: match.conditions };
}

interface Child {
  readonly entry: Entry<RouteSource>;
  readonly compiled: Compiled;
}

/** Certain cases only: what the routes above and before it leave over cannot match it. */
function warnOfUnreachable(
  children: readonly Child[],
  above: readonly Condition[],
  { report }: RouteContext,
): void {
  const before = createOrder<Child>();
  // Below a route that nothing reaches, each would be reported for the same reason.
  if (contradiction(boundsOf(above)) !== undefined) return;
  for (const child of children) {
    const { conditions, node } = child.compiled;
    const bounds = boundsOf([...above, ...conditions]);
    const name = contradiction(bounds);
    if (name === undefined) warnOfTaken(child, before.takers(bounds), report);
    else if (contradiction(boundsOf(conditions)) === undefined) {
      const message = `no alert takes this route: the routes above it let no such ${name} through`;
      report.warning(matchPlace(child.entry), message, 'a route takes only what its parent takes');
    }
    if (!node.goesOn) before.add(child, conditions);
  }
}

function warnOfTaken(child: Child, by: readonly Child[] | undefined, report: Report): void {
  if (by === undefined) return;
  const all = by.some(({ compiled }) => compiled.conditions.length === 0);
  const where = by.map(({ entry }) => refOf(entry.place)).join(', ');
  const who = by.length === 1 ? `the one in ${where}` : `those in ${where} together`;
  const take = by.length === 1 ? 'takes' : 'take';
  const what = all ? 'everything' : 'all that it would match';
  const those = by.length === 1 ? 'that route' : 'those routes';
  const hint = all
    ? `move it before ${those}, or give that one a match or "continue: true"`
    : `move it before ${those}, or set "continue: true" there`;
  const place = child.entry.place;
  report.warning(place, `no alert takes this route: ${who} ${take} ${what}`, hint);
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
