/**
 * "Why not?": which rule would have to be different, and how, for an alert to have been told, or not.
 *
 * An alert passes gates on its way to a message of its own: muting, flap damping, an incident that it
 * joins, its hold, its route, a storm. Each gate that stopped it is named with the facts on record and
 * with the change that opens it; all of them are needed together. The tests make each change and
 * replay: what is said here must come true. What else a change does only a rehearsal tells.
 */
import type { Incident } from '../model.ts';
import { duration, exactDuration, formatDuration } from '../rules/duration.ts';
import { subjectOf, subjectOfIncident } from '../life/lead.ts';
import { byRoute, eitherWay, matchOf, matchOfAll, type RuleChange } from './change.ts';
import {
  type About,
  chronicGate,
  flapGate,
  type Gate,
  holdGate,
  isOver,
  joinGate,
  lastedMs,
  muteGate,
  stormGate,
} from './gates.ts';
import { type Place, placeOf } from './place.ts';

export interface Otherwise {
  readonly outcome: 'told' | 'told-by-itself' | 'told-sooner' | 'told-again' | 'not-told';
  /** What would have had to be so. */
  readonly text: string;
  /** All of them together lead to the outcome. */
  readonly changes: readonly RuleChange[];
}

/** Empty where no rule would have made a difference. Of an incident its lead is asked. */
export function otherwise(about: About, of: 'alert' | 'incident'): readonly Otherwise[] {
  const { incident } = about;
  if (incident?.special !== undefined || incident?.mergedInto !== undefined) return [];
  const place = standing(about, of);
  if (place.kind === 'nowhere') return [];
  switch (incident?.toldIn) {
    case undefined:
      return wished(untoldOutcome(about), [
        muteGate(about, place),
        flapGate(about),
        holdGate(about),
        routeGate(about, undefined),
      ]);
    case 'message':
      if (place.kind === 'own') return toldOtherwise(about);
      return wished('told-by-itself', [
        joinGate(about, place),
        flapGate(about),
        holdGate(about),
        routeGate(about, undefined),
      ]);
    case 'digest':
    case 'thread':
    case 'nowhere':
      return wished('told', [chronicGate(about), routeGate(about, incident)]);
    case 'storm':
      return wished('told', [stormGate(about)]);
  }
}

/** What the lead of an incident joined is the very incident that is asked about. */
function standing(about: About, of: 'alert' | 'incident'): Place {
  const place = placeOf(about);
  const isJoined = place.kind === 'joined' || place.kind === 'merged';
  return of === 'incident' && isJoined ? { kind: 'own' } : place;
}

/** What still fires is told as soon as its hold is over. */
function untoldOutcome({ incident, alert }: About): Otherwise['outcome'] {
  return incident?.phase === 'gathering' && alert.status === 'firing' ? 'told-sooner' : 'told';
}

const WISHES = {
  told: 'It would have been told in a message',
  'told-by-itself': 'It would have had a message of its own',
  'told-sooner': 'It would have been told sooner',
  'told-again': 'That it fired again would have been told',
  'not-told': 'It would not have been told in a message',
} as const satisfies Record<Otherwise['outcome'], string>;

function wished(
  outcome: Otherwise['outcome'],
  gates: readonly (Gate | undefined)[],
): readonly Otherwise[] {
  const closed = gates.filter((gate) => gate !== undefined);
  if (closed.length === 0) return [];
  const conditions = closed.map(({ condition }) => condition).join('; and if ');
  const changes = closed.flatMap(({ change }) => change ?? []);
  // What no rule can change: to change the rest would come to nothing.
  const fixed = closed.find(({ change }) => change === undefined);
  if (fixed !== undefined)
    return [{ outcome, text: `${WISHES[outcome]} if ${fixed.condition}.`, changes: [] }];
  return [{ outcome, text: `${WISHES[outcome]} if ${conditions}.`, changes }];
}

/** As its route tells it: that of the incident where it was told, else the one that it would take. */
function routeGate(about: About, told: Incident | undefined): Gate | undefined {
  const { alert, rules } = about;
  const speaker = (told === undefined ? undefined : about.lead) ?? alert;
  // The likely cause is routed, as badly as the worst of all.
  const subject = told === undefined ? subjectOf(alert) : subjectOfIncident(speaker, told);
  const route = rules.route(subject);
  if (route.urgency === 'post') return undefined;
  const loudness = rules.loudness(subject);
  const says =
    loudness.rule === undefined
      ? `${loudness.because}, and no route says how loudly it is told`
      : `${loudness.rule} says \`urgency: ${loudness.urgency}\``;
  return {
    condition: `its route said \`urgency: post\`: ${says}`,
    change: byRoute(route.rule, 'urgency: post', { match: matchOf(speaker), urgency: 'post' }),
  };
}

// --- a message that was sent ----------------------------------------------------------------------

/** Seeing that it was told: how would it have stayed quiet, or come sooner? */
function toldOtherwise(about: About): readonly Otherwise[] {
  const again = about.alert.flap?.flapping === true ? wished('told-again', [flapGate(about)]) : [];
  return [...again, ...quieter(about), ...heldLonger(about), ...sooner(about)];
}

function quieter(about: About): readonly Otherwise[] {
  const { alert, incident, lead, kinds, services, rules } = about;
  if (incident === undefined || kinds.length === 0) return [];
  const { rule } = rules.route(subjectOfIncident(lead ?? alert, incident));
  const match = matchOfAll(kinds, services, incident);
  const change = byRoute(rule, 'urgency: digest', { match, urgency: 'digest' });
  const condition = `its route said \`urgency: digest\`, or \`drop\` to tell nobody at all`;
  return wished('not-told', [{ condition, change }]);
}

/** Only what is over was short; and what was told for other evidence was told in spite of its hold. */
function heldLonger(about: About): readonly Otherwise[] {
  const { alert, alerts, rules } = about;
  if (alerts !== 1 || !isOver(alert) || !wasToldByHold(about)) return [];
  const lasted = lastedMs(alert, about.now);
  const minutes = Math.floor(lasted / 60_000) + 1;
  const forMs = minutes * 60_000;
  const set = `for: ${formatDuration(forMs)}`;
  const { rule } = rules.hold(subjectOf(alert));
  const change = eitherWay('hold', rule, set, {
    match: matchOf(alert),
    for: formatDuration(forMs),
  });
  const condition = `it had been held for ${duration(forMs)}, which is longer than the ${duration(lasted)} that it lasted`;
  return wished('not-told', [{ condition, change }]);
}

function sooner(about: About): readonly Otherwise[] {
  const { alert, rules } = about;
  const heldMs = alert.heldUntil - alert.since;
  if (heldMs <= 0 || !wasToldByHold(about)) return [];
  const { rule } = rules.hold(subjectOf(alert));
  const change = eitherWay('hold', rule, 'for: 0s', { match: matchOf(alert), for: '0s' });
  const condition = `it had not been held: it was, for ${exactDuration(heldMs)}, and was told when it still fired`;
  return wished('told-sooner', [{ condition, change }]);
}

/** Because it outlasted its own hold, and for nothing else. */
function wasToldByHold({ alert, alerts, incident, decisions }: About): boolean {
  const told = decisions.findLast(
    ({ reason, incident: id }) => reason === 'told' && id === incident?.id,
  );
  return told?.ground === 'hold' && alerts === 1 && alert.flap?.flapping !== true;
}
