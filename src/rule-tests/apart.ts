/**
 * Why two messages are not one, as far as the rules say it for certain: for whoever wrote a test that expects one.
 */
import { nearby, type Near } from '../correlate/graph.ts';
import { keepsToItself } from '../correlate/group.ts';
import { subjectOf } from '../life/lead.ts';
import type { Alert } from '../model.ts';
import { formatDuration } from '../rules/duration.ts';
import type { CorrelateRule, Rules } from '../rules/rules.ts';
import type { Told } from './play.ts';

/** The longest path that a rule can ask for. */
const HOPS_MAX = 5;
/** Alerts of a message that are compared with those of another. */
const ALERTS_MAX = 20;

/** Undefined where nothing certain can be said. */
export function whyApart(one: Told, other: Told, rules: Rules): string | undefined {
  if (one.incident === undefined || other.incident === undefined) return undefined;
  const [first, later] = one.postedAt <= other.postedAt ? [one, other] : [other, one];
  const pairs = later.alerts
    .slice(0, ALERTS_MAX)
    .flatMap((alert) => first.alerts.slice(0, ALERTS_MAX).map((before) => ({ alert, before })));
  const here = pairs.filter(
    ({ alert, before }) => alert.facts.environment === before.facts.environment,
  );
  if (here.length === 0) return environments(one, other);
  const [alert] = later.alerts;
  if (alert === undefined || [first, later].some(({ incident }) => keepsToItself(incident?.group)))
    return undefined;
  const rule = rules.correlate(subjectOf(alert));
  if (!rule.on) return `${alert.facts.service} is not correlated${byRule(rule)}`;
  const alerting = new Set([...first.alerts, ...later.alerts].map(({ facts }) => facts.service));
  return alongGraph(here, alerting, rule, rules);
}

function environments(one: Told, other: Told): string {
  const of = ({ incident }: Told) => incident?.environment ?? '';
  return `one is of ${of(one)}, the other of ${of(other)}`;
}

interface Pair {
  readonly alert: Alert;
  readonly before: Alert;
}

/** What is wrong with the shortest path between two of their services. */
function alongGraph(
  pairs: readonly Pair[],
  alerting: ReadonlySet<string>,
  rule: CorrelateRule,
  rules: Rules,
): string | undefined {
  const linked = pairs
    .flatMap((pair) => {
      const near = nearBetween(pair, rules);
      return near === undefined ? [] : [{ ...pair, near }];
    })
    .sort((one, other) => one.near.hops - other.near.hops || apartOf(one) - apartOf(other));
  const [best] = linked;
  if (best === undefined) return unlinked(pairs);
  const { path, hops } = best.near;
  const way = path.join(' -> ');
  if (hops > rule.maxHops)
    return `${way} is ${hops} hops long, and maxHops is ${rule.maxHops}${byRule(rule)}`;
  const silent = path.filter((service) => !alerting.has(service));
  if (silent.length > rule.silent)
    return `${way} leads over ${silent.join(' and ')} without an alert, and silent is ${rule.silent}${byRule(rule)}`;
  const apartMs = Math.min(...linked.map(apartOf));
  if (apartMs <= rule.windowMs) return undefined;
  return `they began ${formatDuration(apartMs)} apart, and window is ${formatDuration(rule.windowMs)}${byRule(rule)}`;
}

function nearBetween({ alert, before }: Pair, rules: Rules): Near | undefined {
  const [from, to] = [alert.facts.service, before.facts.service];
  if (from === to) return { service: to, hops: 0, side: 'cause', path: [to] };
  return nearby(rules, from, HOPS_MAX).find(({ service }) => service === to);
}

function unlinked(pairs: readonly Pair[]): string | undefined {
  const [pair] = pairs;
  if (pair === undefined) return undefined;
  const { alert, before } = pair;
  return `no path of dependsOn, of up to ${HOPS_MAX} hops and through no hub, leads from ${alert.facts.service} to ${before.facts.service}, or back`;
}

function apartOf({ alert, before }: Pair): number {
  return Math.abs(alert.startsAt - before.startsAt);
}

function byRule({ rule }: CorrelateRule): string {
  return rule === 'built-in' ? '' : ` (${rule})`;
}
