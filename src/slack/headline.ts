/**
 * The one line a phone shows: what, how bad, where, since when.
 *
 * "Checkout is failing: payments-db refuses connections": the business capability that is hit, then
 * what the likely cause says of itself. Where nobody named the capability the service that is worst off
 * stands for it, if the cause is milder than that. Never the name of a rule when there are words for it.
 */
import { duration } from '../rules/duration.ts';
import { isForTesting } from '../rules/environment.ts';
import type { MessageView } from '../view.ts';
import { bold, cut, joined, type Line, sinceThen, time } from './rich.ts';
import { person } from './who.ts';
import { capitalised, count, DOTS, spelledOut, isOwnName, list } from './words.ts';

const SUMMARY_MAX = 140;
const NAME_MAX = 60;
/** Two that fail are both named right below. */
const COMPANY_MIN = 3;

interface Headline {
  /** 🔴, or what stands for a state that matters more. */
  readonly icon: string;
  readonly what: string;
  /** "critical in production", "since 02:41 (6 min)", "👀 Ann": parts after the title. */
  readonly rest: readonly (Line | undefined)[];
}

/** The parts on one line: plain text for a phone. */
export function headlineLine({ icon, what, rest }: Headline): Line {
  return joined([[`${icon} ${what}`], ...rest], ' · ');
}

/** The same for a block: the title stands out, the rest follows below it. */
export function headlineLines({ icon, what, rest }: Headline): Line[] {
  return [[`${icon}  `, bold(what)], joined(rest, ' · ')];
}

export function headline(view: MessageView): Headline {
  if (view.mergedInto !== undefined) return merged(view, view.mergedInto);
  if (view.phase === 'resolved') return resolved(view);
  return {
    icon: DOTS[view.severity],
    what: sentence(view),
    rest: [recovered(view), company(view), [where(view)], sinceWhen(view), ...states(view)],
  };
}

/** Whoever reads the title alone must not look at what is well again, nor forget that it began there. */
function recovered({ root }: MessageView): Line | undefined {
  return root?.hasRecovered === true
    ? [`${cut(root.service, NAME_MAX)}, the likely cause, has recovered`]
    : undefined;
}

/**
 * Several services fail, and nothing says that this one causes the others: whoever reads only of it would look at
 * too little.
 */
function company({ root, servicesTotal, special }: MessageView): Line | undefined {
  if (special !== undefined || root === undefined || servicesTotal < COMPANY_MIN) return undefined;
  return root.explainsOthers ? undefined : [`${count(servicesTotal - 1, 'more service')} hit`];
}

/** What is wrong, in one sentence without a dot at its end. */
export function sentence(view: MessageView): string {
  if (isBeat(view)) return silence(view);
  if (view.special === 'storm' && view.storm !== undefined) {
    const { incidents } = view.storm;
    // Beside one that is told, a storm is what was not worth telling yet.
    return `Alert storm: ${incidents > 1 ? `${incidents} incidents at once` : 'very many alerts at once'}`;
  }
  const hit = capabilities(view);
  if (hit === undefined) return withVictim(view);
  return `${hit.names} ${verb(view, hit.several)}: ${trouble(view, ' – ')}`;
}

/** A mild cause is not called critical: whom it brings down is. */
function withVictim(view: MessageView): string {
  const victim = cut(view.victim ?? '', NAME_MAX);
  if (victim === '') return capitalisedUnless(trouble(view), view.lead.service);
  return `${victim} ${verb(view, false)}: ${trouble(view, ' – ')}`;
}

/** The cause's own summary; else its service and the kind of alert in words. `between`: no second colon in one line. */
function trouble(view: MessageView, between = ': '): string {
  const { lead } = view;
  const service = cut(lead.service, NAME_MAX);
  const summary = cut(lead.summary ?? '', SUMMARY_MAX).replace(/[.!\s]+$/u, '');
  if (summary === '') {
    const name = cut(spelledOut(lead.name), SUMMARY_MAX) || 'an alert without a name';
    return isOwnName(lead.name, lead.service) ? name : `${service}${between}${name}`;
  }
  const named =
    isOwnName(lead.name, lead.service) || summary.toLowerCase().includes(service.toLowerCase());
  return named ? summary : `${service}${between}${summary}`;
}

const VERB = {
  critical: ['is', 'are', 'failing'],
  high: ['is', 'are', 'impaired'],
  warning: ['is', 'are', 'at risk'],
  info: ['may', 'may', 'notice'],
  none: ['may', 'may', 'notice'],
} as const;

function verb({ severity, root }: MessageView, several: boolean): string {
  const [one, more, what] = VERB[severity];
  return `${several ? more : one}${root?.hasRecovered === true ? ' still' : ''} ${what}`;
}

/** What customers use may suffer there. */
export function isLive({ environment }: MessageView): boolean {
  return !isForTesting(environment);
}

function capabilities(
  view: MessageView,
): { readonly names: string; readonly several: boolean } | undefined {
  if (!isLive(view)) return undefined;
  const names = view.capabilities.map((name) => cut(name, NAME_MAX)).filter((name) => name !== '');
  return names.length === 0
    ? undefined
    : { names: capitalised(list(names, 2)), several: names.length > 1 || names.some(isPlural) };
}

/** "Mobile apps are failing", "Alerts to readers are impaired"; Access, Status, Analysis and News are one thing each. */
function isPlural(name: string): boolean {
  const [head = ''] = name.split(/ (?:for|from|in|of|to) /);
  return /[^siu]s$/.test(head) && !/news$/i.test(head);
}

/** A service keeps the name its people gave it. */
function capitalisedUnless(text: string, service: string): string {
  return service !== '' && text.startsWith(service) ? text : capitalised(text);
}

function where(view: MessageView): string {
  const environment = cut(view.environment, NAME_MAX);
  const severity = view.severity === 'none' ? '' : view.severity;
  return [severity, environment].filter((text) => text !== '').join(' in ');
}

function sinceWhen(view: MessageView): Line {
  return ['since ', sinceThen(view.startsAt, view.now)];
}

/** What people must see without opening the message: that somebody is on it, that it comes and goes. */
function states(view: MessageView): (Line | undefined)[] {
  const first = view.acknowledged[0];
  return [
    view.reopened > 0 ? [isBeat(view) ? 'silent again' : 'fires again'] : undefined,
    view.flapping === undefined
      ? undefined
      : [view.flapping.isDamped ? 'flapping' : 'comes and goes'],
    view.solved === undefined
      ? undefined
      : ['✅ solved, says ', person(view.solved.user, view.people)],
    first === undefined || view.solved !== undefined
      ? undefined
      : ['👀 ', person(first.user, view.people)],
    view.snoozed === undefined ? undefined : ['🔕 quiet'],
  ];
}

function resolved(view: MessageView): Headline {
  // One clock for both ends: the source's, as far as it said when its alerts were over.
  const end = Math.max(view.startsAt, view.endedAt ?? view.resolvedAt ?? view.now);
  const who = view.solved ?? view.acknowledged[0];
  const lasted = `after ${duration(end - view.startsAt)}`;
  const what = isBeat(view)
    ? `Quell hears ${beat(view)} again, ${lasted}`
    : `${isOnlyTaken(view) ? 'Taken as resolved' : 'Resolved'} ${lasted}: ${past(view)}`;
  const environment = cut(view.environment, NAME_MAX);
  return {
    icon: '🟢',
    what,
    rest: [
      environment === '' ? [] : [environment],
      // Another day than the first is written out, whatever day it is now.
      [time(view.startsAt, view.now), ' to ', time(end, view.startsAt)],
      who === undefined
        ? []
        : [view.solved === undefined ? '👀 ' : '✅ ', person(who.user, view.people)],
    ],
  };
}

/** Nobody said that it is over: its source stopped to speak of it, and may be gone itself. */
export function isOnlyTaken({ special, alerts, endedAt }: MessageView): boolean {
  return special === undefined && alerts.total > 0 && endedAt === undefined;
}

function merged(view: MessageView, into: string): Headline {
  return {
    icon: '↪️',
    what: `Part of incident ${cut(into, NAME_MAX)} now: ${past(view)}`,
    rest: [['since ', time(view.startsAt, view.now)]],
  };
}

/** Something that is over must not be read as a claim that it still is. */
function past(view: MessageView): string {
  if (view.special !== undefined) return sentence(view);
  const hit = capabilities(view);
  return hit === undefined ? trouble(view) : `${hit.names} (${trouble(view)})`;
}

export function isBeat({ special }: MessageView): boolean {
  return special === 'heartbeat';
}

function silence(view: MessageView): string {
  const seen = view.heartbeat?.lastSeenAt;
  return seen === undefined
    ? `Quell has never heard from ${beat(view)}`
    : `Quell hears nothing from ${beat(view)}`;
}

function beat(view: MessageView): string {
  return cut(view.heartbeat?.name ?? '', NAME_MAX) || 'its source';
}
