/**
 * People and teams, and whom a `mention:` means.
 */
import type { Collected, Entry } from './collect.ts';
import { type Report, below } from '../files/report.ts';
import type { Mention, Team } from '../route.ts';
import { type Place, refOf } from '../files/source-file.ts';
import { didYouMean } from '../did-you-mean.ts';

export interface Directory {
  /** Slack id -> name. */
  readonly people: ReadonlyMap<string, string>;
  readonly teams: ReadonlyMap<string, Team>;
  readonly mention: (text: string, place: Place) => Mention | undefined;
}

const SLACK_ID = /^[UWS][A-Z0-9]{6,}$/;
const ROLES: ReadonlyMap<string, Mention> = new Map([
  ['oncall', { kind: 'oncall' }],
  ['on-call', { kind: 'oncall' }],
  ['lead', { kind: 'lead' }],
  ['team-lead', { kind: 'lead' }],
  ['here', { kind: 'id', id: 'here' }],
  ['channel', { kind: 'id', id: 'channel' }],
]);

export function compileDirectory(collected: Collected, report: Report): Directory {
  const byName = unique('person', collected.people, report);
  unique('team', collected.teams, report);
  const ids = new Map(
    [...byName.values()].map(({ value }) => [value.name.toLowerCase(), value.slack]),
  );
  const unknown = (text: string, known: readonly string[], place: Place): undefined => {
    if (collected.mayDefine(text)) return undefined;
    const hint =
      didYouMean(text, known) ??
      'name a person of people: or give a Slack id, like U012ABCDEF or S012ABCDEF';
    report.error(place, `unknown person "${text}"`, hint);
    return undefined;
  };
  const person = (text: string, place: Place): string | undefined => {
    if (SLACK_ID.test(text)) return text;
    return ids.get(text.toLowerCase()) ?? unknown(text, namesOf(collected.people), place);
  };
  const persons = (names: readonly string[] | undefined, place: Place): readonly string[] =>
    (names ?? []).map((one, i) => person(one, below(place, i))).filter((id) => id !== undefined);

  const teams = new Map<string, Team>();
  for (const { value, place } of collected.teams) {
    teams.set(value.name, {
      name: value.name,
      channel: value.channel,
      oncall: persons(value.oncall, below(place, 'oncall')),
      lead: persons(value.lead, below(place, 'lead')),
    });
  }
  warnOfUnknownTeams(collected, teams, report);

  const known = [...ROLES.keys(), ...namesOf(collected.people), ...teams.keys()];
  function warnOfNobody(role: Mention, text: string, place: Place): void {
    if ((role.kind !== 'oncall' && role.kind !== 'lead') || collected.partial) return;
    if ([...teams.values()].some((team) => team[role.kind].length > 0)) return;
    const hint = `state it under teams:, like ${role.kind}: [Ann]`;
    report.warning(place, `"${text}" mentions nobody: no team says who that is`, hint);
  }
  function mention(text: string, place: Place): Mention | undefined {
    const role = ROLES.get(text.replace(/^[@!]/, '').toLowerCase());
    if (role !== undefined) {
      warnOfNobody(role, text, place);
      return role;
    }
    const team = teams.get(text);
    if (team !== undefined) return { kind: 'team', ids: team.oncall };
    if (SLACK_ID.test(text)) return { kind: 'id', id: text };
    const id = ids.get(text.toLowerCase()) ?? unknown(text, known, place);
    return id === undefined ? undefined : { kind: 'id', id };
  }
  const people = new Map(collected.people.map(({ value }) => [value.slack, value.name]));
  return { people, teams, mention };
}

function namesOf(entries: readonly Entry<{ readonly name: string }>[]): readonly string[] {
  return entries.map(({ value }) => value.name);
}

function unique<T extends { readonly name: string }>(
  kind: string,
  entries: readonly Entry<T>[],
  report: Report,
): ReadonlyMap<string, Entry<T>> {
  const found = new Map<string, Entry<T>>();
  for (const entry of entries) {
    const key = entry.value.name.toLowerCase();
    const before = found.get(key);
    if (before === undefined) found.set(key, entry);
    else {
      const message = `${kind} "${entry.value.name}" stands twice: also in ${refOf(before.place)}`;
      report.error(below(entry.place, 'name'), message);
    }
  }
  return found;
}

/** Owners need no entry under teams, but once there are teams, one that is missing is a slip. */
function warnOfUnknownTeams(
  collected: Collected,
  teams: ReadonlyMap<string, Team>,
  report: Report,
): void {
  if (teams.size === 0) return;
  const check = (name: string | undefined, place: Place): void => {
    if (name === undefined || teams.has(name) || collected.mayDefine(name)) return;
    report.warning(place, `unknown team "${name}"`, didYouMean(name, teams.keys()));
  };
  for (const { value, place } of collected.services) check(value.owner, below(place, 'owner'));
  for (const { value, place } of collected.people) check(value.team, below(place, 'team'));
}
