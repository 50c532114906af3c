/**
 * Settings that are stated once: transactions, hubs, the life of an incident, storm, digest,
 * reactions, links, and the mappings of foreign JSON.
 */
import { DateTime } from 'luxon';
import { type Gesture, GESTURES, type Instant } from '../../model.ts';
import type { Collected } from './collect.ts';
import {
  DEFAULT_DIGEST,
  DEFAULT_GESTURES,
  DEFAULT_LIFE,
  DEFAULT_STORM,
  DEFAULT_TRANSACTION_RULE,
} from '../defaults.ts';
import { NAME_LABELS } from '../normalise.ts';
import { type Report, below } from '../files/report.ts';
import {
  type LifeRule,
  type Mapping,
  type Rules,
  SOURCES,
  type StormRule,
  type TransactionRule,
} from '../rules.ts';
import { refOf } from '../files/source-file.ts';
import { didYouMean } from '../did-you-mean.ts';

export function compileLife({ incident }: Collected): LifeRule {
  const own = incident?.value;
  if (own === undefined) return DEFAULT_LIFE;
  const usual = DEFAULT_LIFE;
  return {
    reopenWithinMs: own.reopenWithin ?? usual.reopenWithinMs,
    verifySolvedMs: own.verifySolved ?? usual.verifySolvedMs,
    snoozeMs: own.snooze ?? usual.snoozeMs,
    refreshMs: own.refresh ?? usual.refreshMs,
    replyEveryMs: own.replyEvery ?? usual.replyEveryMs,
    resolveTimeoutMs: own.resolveTimeout ?? usual.resolveTimeoutMs,
  };
}

export function compileStorm({ storm }: Collected): StormRule {
  const own = storm?.value;
  return {
    on: own?.off !== true,
    perMinute: own?.perMinute ?? DEFAULT_STORM.perMinute,
    calmMs: own?.calm ?? DEFAULT_STORM.calmMs,
  };
}

export function compileTransactionRule({ transactions }: Collected): TransactionRule {
  const own = transactions?.value;
  return {
    ttlMs: own?.ttl ?? DEFAULT_TRANSACTION_RULE.ttlMs,
    alertsMax: own?.alertsMax ?? DEFAULT_TRANSACTION_RULE.alertsMax,
    servicesMax: own?.servicesMax ?? DEFAULT_TRANSACTION_RULE.servicesMax,
  };
}

/** The next wall-clock time of the list, in its zone; one that a clock change skips comes an hour later. */
export function compileDigest({ digest }: Collected): (now: Instant) => Instant {
  const stated = digest?.value.at ?? [];
  const minutes = stated.length > 0 ? stated : DEFAULT_DIGEST.minutes;
  const zone = digest?.value.location ?? DEFAULT_DIGEST.zone;
  return (now) => {
    const today = DateTime.fromMillis(now, { zone }).startOf('day');
    for (let day = 0; day <= 2; day += 1) {
      const date = today.plus({ days: day });
      const next = minutes
        .map((minute) =>
          date.set({ hour: Math.floor(minute / 60), minute: minute % 60 }).toMillis(),
        )
        .filter((at) => at > now);
      if (next.length > 0) return Math.min(...next);
    }
    return now + 86_400_000;
  };
}

export function compileGestures(
  { reactions }: Collected,
  report: Report,
): ReadonlyMap<string, Gesture> {
  const gestures = new Map<string, Gesture>();
  for (const gesture of GESTURES) {
    const own = reactions?.value[gesture];
    for (const [i, emoji] of (own ?? []).entries()) {
      const before = gestures.get(emoji);
      if (before !== undefined && before !== gesture && reactions !== undefined) {
        const message = `the emoji "${emoji}" already means "${before}"`;
        report.error(below(reactions.place, gesture, i), message);
      }
      gestures.set(emoji, gesture);
    }
  }
  // The usual emoji stand for what nobody stated, unless they were given another meaning.
  for (const gesture of GESTURES) {
    if (reactions?.value[gesture] !== undefined) continue;
    for (const emoji of DEFAULT_GESTURES[gesture]) {
      if (!gestures.has(emoji)) gestures.set(emoji, gesture);
    }
  }
  return gestures;
}

const PLACEHOLDERS: readonly string[] = [
  'transaction',
  'service',
  'environment',
  'alertname',
  'matchers',
];

export function compileLinks({ links }: Collected, report: Report): Rules['links'] {
  if (links === undefined) return { logs: undefined, dashboard: undefined, silence: undefined };
  const { logs, dashboard, silence } = links.value;
  for (const [key, template] of Object.entries({ logs, dashboard, silence })) {
    for (const [, name = ''] of (template ?? '').matchAll(/\{([^{}]*)\}/g)) {
      if (PLACEHOLDERS.includes(name)) continue;
      const hint =
        didYouMean(name, PLACEHOLDERS) ??
        `known: ${PLACEHOLDERS.map((one) => `{${one}}`).join(', ')}`;
      report.error(below(links.place, key), `unknown placeholder {${name}}`, hint);
    }
  }
  return { logs, dashboard, silence };
}

/** What the address of a source may be made of. */
const SOURCE_NAME = /^[\w.-]{1,64}$/;

export function compileMappings(
  { ingest, name: named }: Collected,
  report: Report,
): ReadonlyMap<string, Mapping> {
  for (const { name, value, place } of ingest) {
    if (!SOURCE_NAME.test(name)) {
      const hint = 'a name has at most 64 letters, digits, and . _ -, as uptime-kuma';
      report.error(place, `"${name}" cannot stand in the address /v1/ingest/NAME`, hint, 'key');
    }
    if (SOURCES.some((source) => source === name)) {
      const hint = 'give it another name, unless that is meant';
      report.warning(place, `this takes the place of the built-in "${name}"`, hint, 'key');
    }
    const hasName =
      NAME_LABELS.some((label) => Object.hasOwn(value.labels, label)) ||
      Object.hasOwn(value.annotations ?? {}, 'alertname');
    if (hasName || named !== undefined) continue;
    const hint = "say what is wrong: alertname: '=Down', or the path to it";
    report.warning(below(place, 'labels'), 'all of its alerts are called "alert"', hint, 'key');
  }
  return new Map(
    ingest.map(({ name, value, place }) => [
      name,
      {
        name,
        alerts: value.alerts,
        status: value.status && { ...value.status, ignored: value.status.ignored ?? [] },
        startsAt: value.startsAt,
        endsAt: value.endsAt,
        generatorURL: value.generatorURL,
        labels: value.labels,
        annotations: value.annotations ?? {},
        rule: refOf(place),
      },
    ]),
  );
}
