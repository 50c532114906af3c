/**
 * What stands below the first line of an incident's message: the likely cause and why, what is hit,
 * what to do, who is on it. Each part is left out when there is nothing to say. Of what goes on it says
 * since when: a message stands as it is until something changes.
 */
import { type Gesture, GESTURES } from '../model.ts';
import { duration } from '../rules/duration.ts';
import type { MessageView } from '../view.ts';
import { cause, otherCandidates, reason } from './cause.ts';
import { isLive, isOnlyTaken } from './headline.ts';
import { why, links } from './links.ts';
import { bold, cut, joined, type Line, type Piece, time } from './rich.ts';
import { call, calledBefore, person } from './who.ts';
import { capitalised, count, spelledOut, list, times } from './words.ts';

interface Details {
  readonly facts: readonly { readonly title: string; readonly line: Line }[];
  /** What to do, in words. */
  readonly advice: readonly Line[];
  /** What to open, the most useful first. */
  readonly links: readonly Piece[];
  readonly people: readonly Line[];
  readonly small: readonly Line[];
}

const NAME_MAX = 60;
const TEXT_MAX = 300;
const SERVICES_MAX = 6;
const CALLED_MAX = 10;
const NEEDED_BY_MAX = 3;

export function details(view: MessageView): Details {
  if (view.mergedInto !== undefined) {
    const small: Line[] = [['Reactions on this message count there.'], ...why(view)];
    return { ...NOTHING, small };
  }
  if (view.phase === 'resolved') {
    return { ...NOTHING, small: aftermath(view) };
  }
  return {
    facts: facts(view),
    advice: advice(view),
    links: links(view),
    people: [...states(view), calling(view)].filter((line) => line.length > 0),
    small: [
      ...elsewhere(view),
      ...apart(view),
      reactions(view),
      joined([told(view), [`incident ${cut(view.incident, NAME_MAX)}`]], ' · '),
    ],
  };
}

const NOTHING = { facts: [], advice: [], links: [], people: [] } as const;

// --- What is known -------------------------------------------------------------------------

function facts(view: MessageView): Details['facts'] {
  const all: readonly (readonly [string, Line])[] = [
    ['Likely cause', cause(view)],
    ['Other candidates', [otherCandidates(view)]],
    ['In it', [stormed(view)]],
    ['Told by themselves', [toldBefore(view)]],
    ['Last heard', lastHeard(view)],
    ['Details', [description(view)]],
    ['Needed by', [neededBy(view)]],
    ['Impact', [cut(view.lead.impact ?? '', TEXT_MAX)]],
    [isAlone(view) ? 'Where' : 'Affected', affected(view)],
    [view.flapping?.isDamped === false ? 'Comes and goes' : 'Flapping', flapping(view)],
  ];
  return all
    .filter(([, line]) => line.some((piece) => piece !== ''))
    .map(([title, line]) => ({ title, line }));
}

/** The worst that a storm's message stands for: each is found by its name. */
function stormed({ storm }: MessageView): string {
  if (storm === undefined) return '';
  const names = storm.worst.map(
    ({ service, name, incident }) =>
      `${cut(service, NAME_MAX)}: ${cut(spelledOut(name), NAME_MAX)} (${cut(incident, NAME_MAX)})`,
  );
  return list(names, names.length, storm.goOn);
}

function toldBefore({ storm }: MessageView): string {
  const names = (storm?.before ?? []).map(
    ({ service, incident }) => `${cut(service, NAME_MAX)} (${cut(incident, NAME_MAX)})`,
  );
  return list(names, names.length);
}

/** Nothing that fails has a name that the business knows: what may fail next has. */
function neededBy(view: MessageView): string {
  if (!isLive(view) || view.special !== undefined) return '';
  const names = view.neededBy.map((name) => cut(name, NAME_MAX)).filter((name) => name !== '');
  return list(names, NEEDED_BY_MAX);
}

/** Without what the headline says already. */
function description({ special, lead }: MessageView): string {
  if (special !== undefined) return '';
  const text = cut(lead.description ?? '', TEXT_MAX);
  const summary = cut(lead.summary ?? '', TEXT_MAX);
  if (!text.startsWith(summary)) return text;
  return capitalised(text.slice(summary.length).replace(/^[\s.:;,–-]+/u, ''));
}

function isAlone({ alerts, servicesTotal }: MessageView): boolean {
  return alerts.total <= 1 && servicesTotal <= 1;
}

function affected(view: MessageView): Line {
  const { alerts, special } = view;
  if (alerts.total === 0) return [];
  const { host: at, service, isElsewhereToo } = view.lead;
  // What names no service is called by its host: the headline says that.
  const host = special === undefined && at !== service ? cut(at ?? '', NAME_MAX) : '';
  const names = view.services.filter(({ name }) => cut(name, NAME_MAX) !== '').map(nameOf(view));
  const firing = alerts.firing === alerts.total ? '' : `, ${alerts.firing} still firing`;
  return joined(
    [
      view.servicesTotal > 1 ? [list(names, SERVICES_MAX, view.servicesTotal)] : [],
      alerts.total > 1 ? [`${count(alerts.total, 'alert')}${outbreaks(view)}${firing}`] : [],
      [kinds(view)],
      host === '' ? [] : [`host ${host}${isElsewhereToo ? ' and others' : ''}`],
      special === undefined ? [transactions(view)] : [],
    ].filter((part) => part.some((piece) => piece !== '')),
    ' · ',
  );
}

/** As long as something fires, what does not is told apart. */
function nameOf({ alerts }: MessageView) {
  return ({ name, firing }: MessageView['services'][number]): string =>
    `${cut(name, NAME_MAX)}${firing === 0 && alerts.firing > 0 ? ' (recovered)' : ''}`;
}

/** Of a message that opened again the counts are of all its outbreaks. */
function outbreaks({ reopened }: MessageView): string {
  return reopened === 0 ? '' : ` in ${reopened + 1} outbreaks`;
}

/** Which kinds of alert, when there is more than one: the headline speaks of the first only. */
function kinds({ kinds, alerts }: MessageView): string {
  if (kinds.length < 2 || alerts.total < 2) return '';
  const shown = kinds.slice(0, 3).map(({ name, alerts }) => {
    const words = cut(spelledOut(name), NAME_MAX) || 'no name';
    return alerts === 1 ? words : `${words} ×${alerts}`;
  });
  return kinds.length > 3 ? `${shown.join(', ')} …` : shown.join(', ');
}

function transactions({ transactions }: MessageView): string {
  const [first] = transactions.ids;
  if (first === undefined) return '';
  const more = transactions.total - 1;
  const named = `transaction ${cut(first, NAME_MAX)}`;
  return more > 0 ? `${named} and ${more} more` : named;
}

function flapping({ flapping, startsAt, now }: MessageView): Line {
  if (flapping === undefined) return [];
  if (!flapping.isDamped) return [`it fired ${times(flapping.episodes)} lately`];
  const fired = `${count(flapping.alerts, 'alert')} fired ${times(flapping.episodes)}`;
  return [`${fired} in ${duration(now - startsAt)}; only what lasts is told from here on`];
}

function lastHeard({ heartbeat, now }: MessageView): Line {
  if (heartbeat?.lastSeenAt === undefined) return [];
  return [time(heartbeat.lastSeenAt, now)];
}

// --- What to do ----------------------------------------------------------------------------

function advice(view: MessageView): Line[] {
  if (view.special === 'heartbeat') {
    return [
      [
        '▸ Check that the monitoring runs, reaches Quell and repeats this alert often enough (repeat_interval): until then its alerts may be missing.',
      ],
    ];
  }
  if (view.special === 'storm') {
    return [
      ['▸ Look for what they share: a network, a cluster, a deployment.'],
      ['▸ What is critical at tier 1 is named in the thread, and who answers for it is called.'],
    ];
  }
  return [];
}

// --- Who is on it --------------------------------------------------------------------------

function states(view: MessageView): Line[] {
  const { people, now, solved, snoozed } = view;
  const claim: Line =
    solved === undefined
      ? []
      : [
          '✅ ',
          person(solved.user, people),
          ' says it is solved (',
          time(solved.at, now),
          `); ${count(view.alerts.firing, 'alert')} still firing. `,
          'If that lasts, it is opened again.',
        ];
  const quiet: Line =
    snoozed === undefined
      ? []
      : ['🔕 ', person(snoozed.by, people), ' asked for quiet until ', time(snoozed.until, now)];
  return [claim, onIt(view), quiet, notActionable(view)];
}

function onIt(view: MessageView): Line {
  const owner = cut(view.owner ?? '', NAME_MAX);
  const shown = view.acknowledged
    .slice(0, 3)
    .map(({ user, at }): Line => [person(user, view.people), ' since ', time(at, view.now)]);
  const more = view.acknowledged.length - shown.length;
  const named: Line[] = more > 0 ? [...shown, [`${more} more`]] : shown;
  const nobody = view.solved === undefined ? 'Nobody is on it yet' : '';
  const escalated = view.escalated === 0 ? '' : `escalated ${times(view.escalated)}`;
  return joined(
    [
      shown.length > 0 ? ['👀 On it: ', ...joined(named, ', ')] : nobody === '' ? [] : [nobody],
      escalated === '' || shown.length > 0 ? [] : [escalated],
      owner === '' ? [] : [`owner ${owner}`],
      view.reopened === 0 ? [] : [`re-opened ${times(view.reopened)}`],
    ],
    ' · ',
  );
}

function notActionable(view: MessageView): Line {
  const marks = view.notActionable.slice(0, 3).map(({ user }): Line => [person(user, view.people)]);
  return marks.length === 0 ? [] : ['🗑️ Not worth an alert, says ', ...joined(marks, ', ')];
}

/** Until somebody is on it. */
function calling({ mention, called, acknowledged, people }: MessageView): Line {
  const calls = mention.map((id) => call(id, people));
  const named = acknowledged.length > 0 ? [] : called.map((id) => calledBefore(id, people));
  const all = [...calls, ...named].slice(0, CALLED_MAX).map((piece): Line => [piece]);
  return all.length === 0 ? [] : ['Called: ', ...joined(all, ', ')];
}

function told({ toldBecause }: MessageView): Line {
  const because = reason(toldBecause ?? '');
  return because === '' ? [] : [`told because ${because}`];
}

function reactions({ emoji, snoozeMs }: MessageView): Line {
  const meanings: Readonly<Record<Gesture, string>> = {
    acknowledge: 'on it',
    solved: 'solved',
    snooze: `quiet for ${duration(snoozeMs)}`,
    'not-actionable': 'not worth an alert',
  };
  const each = GESTURES.flatMap((gesture): readonly Line[] => {
    const name = emoji[gesture];
    return name === undefined ? [] : [[{ kind: 'emoji', name }, ` ${meanings[gesture]}`]];
  });
  return each.length === 0 ? [] : ['React: ', ...joined(each, '   ')];
}

/** Else nobody knows why it stands here, or that the rules name a channel that is gone. */
function elsewhere({ meantFor }: MessageView): readonly Line[] {
  if (meantFor === undefined) return [];
  const { channel, error } = meantFor;
  const why = CHANNEL_WORDS.get(error) ?? `Slack said ${cut(error, NAME_MAX)}`;
  return [[`⚠️ Meant for ${cut(channel, NAME_MAX)}: ${why}`]];
}

const CHANNEL_WORDS: ReadonlyMap<string, string> = new Map([
  ['channel_not_found', 'there is no such channel, or it is private and I am not in it'],
  ['is_archived', 'it is archived'],
  ['is_inactive', 'it is archived'],
  ['not_in_channel', 'I am not in it'],
  ['restricted_action', 'I may not post there'],
]);

const APART_MAX = 3;

/** Whoever reads it may know that they are one this time. */
function apart({ keptApart = [], people, now }: MessageView): readonly Line[] {
  return keptApart
    .slice(0, APART_MAX)
    .map(({ service, incident, by, at }) => [
      `✂️ Kept apart from ${cut(service, NAME_MAX)} (${cut(incident, NAME_MAX)}): `,
      person(by, people),
      ' split them at ',
      time(at, now),
      ' · if they are one: mention me in the thread with ',
      bold('unsplit'),
    ]);
}

// --- When it is over -----------------------------------------------------------------------

function aftermath(view: MessageView): Line[] {
  const { root, alerts } = view;
  const services = view.servicesTotal > 1 ? ` of ${count(view.servicesTotal, 'service')}` : '';
  const parts: Line[] = [
    isOnlyTaken(view) ? ['its source no longer mentions it'] : [],
    alerts.total === 0 ? [] : [`${count(alerts.total, 'alert')}${services}${outbreaks(view)}`],
    root === undefined || view.servicesTotal <= 1
      ? []
      : [`likely cause ${cut(root.service, NAME_MAX)}`],
    view.reopened === 0 ? [] : [`re-opened ${times(view.reopened)}`],
    notActionable(view),
    ...why(view),
    [`incident ${cut(view.incident, NAME_MAX)}`],
  ];
  return [joined(parts, ' · ')];
}
