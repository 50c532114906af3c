/**
 * From the texts of rules files to the rules in force: pure, all or nothing, all errors at once.
 *
 * No file at all gives the built-in defaults. `files/load.ts` reads a folder, `files/watch.ts` keeps it current.
 */
import { createHash } from 'node:crypto';
import type { Instant, SilenceMatcher } from '../model.ts';
import { collect } from './compile/collect.ts';
import { compileFacts, environmentNames } from './compile/facts.ts';
import {
  compileCorrelations,
  compileChronics,
  compileFlaps,
  compileHeartbeats,
  compileHolds,
  compileMutes,
  warnOfPast,
} from './compile/lists.ts';
import { compileInhibit, inhibitRulesOf } from './compile/inhibit.ts';
import type { MatchContext } from './compile/match.ts';
import { compileDirectory, type Directory } from './compile/people.ts';
import {
  compileDigest,
  compileGestures,
  compileLife,
  compileLinks,
  compileMappings,
  compileStorm,
  compileTransactionRule,
} from './compile/settings.ts';
import { compileRoute } from './compile/route.ts';
import { compileServices } from './compile/services.ts';
import { compileSchedules } from './compile/times.ts';
import {
  DEFAULT_CHRONIC,
  DEFAULT_CORRELATE,
  DEFAULT_FLAP,
  DEFAULT_HUB_CALLERS,
} from './defaults.ts';
import { type Diagnostic, inOrder } from './files/diagnostics.ts';
import { mutedBy } from './mute.ts';
import { normaliseBy, notIdentity, toSeverity } from './normalise.ts';
import { type Report, createReport } from './files/report.ts';
import { loudnessBy, mutedByRoute, rootChannelOf, routeBy } from './route.ts';
import { matchingAll } from './selector.ts';
import type { Catalog, Rules } from './rules.ts';
import { type Seen, warnBySeen } from './compile/seen.ts';
import type { RulesFile } from './files/source-file.ts';
import { firstOf, holdBy } from './first-match.ts';

export type LoadResult =
  | {
      readonly kind: 'loaded';
      readonly rules: Rules;
      readonly warnings: readonly Diagnostic[];
      /** Names of the files that were read. */
      readonly files: readonly string[];
      /** Of all files. */
      readonly bytes: number;
    }
  | {
      readonly kind: 'refused';
      readonly errors: readonly Diagnostic[];
      readonly warnings: readonly Diagnostic[];
      readonly files: readonly string[];
    };

interface CompileOptions {
  /** Without it nothing is said about silences that are over. */
  readonly now?: Instant | undefined;
  /** True when some file could not be read: then nothing is said to be missing. */
  readonly incomplete?: boolean;
  /** Alerts of the past, to check the rules against. */
  readonly seen?: Seen | undefined;
  /** The commit that the files are of: see files/git.ts. */
  readonly origin?: string | undefined;
}

export function compileRules(
  files: readonly RulesFile[],
  options: CompileOptions = {},
): LoadResult {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const report = createReport();
  const rules = assemble(sorted, report, options);
  const all = inOrder(report.diagnostics);
  const errors = all.filter(({ severity }) => severity === 'error');
  const warnings = all.filter(({ severity }) => severity === 'warning');
  const names = sorted.map(({ name }) => name);
  if (errors.length > 0) return { kind: 'refused', errors, warnings, files: names };
  const bytes = sorted.reduce((sum, { text }) => sum + text.length, 0);
  return { kind: 'loaded', rules, warnings, files: names, bytes };
}

/** What holds with an empty rules folder. */
export function builtInRules(): Rules {
  return assemble([], createReport(), {});
}

function assemble(files: readonly RulesFile[], report: Report, options: CompileOptions): Rules {
  const collected = collect(files, report, { incomplete: options.incomplete ?? false });
  const catalog = compileServices(collected, report);
  const facts = compileFacts(collected, report);
  const links = compileLinks(collected, report);
  const directory = compileDirectory(collected, report);
  const schedules = compileSchedules(collected, report);
  const context = {
    catalog,
    report,
    environment: environmentNames(facts),
    named: namesOf(catalog, directory),
    unsure: collected.mayDefine,
    directory,
    schedules,
  };
  const root = compileRoute(collected.route, context);
  const mutes = compileMutes(collected, context, schedules);
  warnOfPast(mutes, options.now, report);
  const inhibit = compileInhibit(collected, context);
  const rules: Rules = Object.freeze({
    version: versionOf(files, options.origin),
    catalog,
    hubCallers: collected.hubs?.value.callers ?? DEFAULT_HUB_CALLERS,
    notIdentity: notIdentity(facts),
    normalise: normaliseBy(facts, catalog, links),
    knowsSeverity: (word: string) =>
      toSeverity(facts.severity.map.get(word.toLowerCase()) ?? word) !== undefined,
    heartbeats: compileHeartbeats(collected, context),
    muted: mutedBy(
      mutes.map(({ mute }) => mute),
      mutedByRoute(root),
    ),
    inhibit: inhibitRulesOf(inhibit),
    matching: (matchers: readonly SilenceMatcher[]) => matchingAll(matchers, catalog),
    hold: holdBy(compileHolds(collected, context), catalog),
    flap: firstOf(compileFlaps(collected, context), DEFAULT_FLAP),
    chronic: firstOf(compileChronics(collected, context), DEFAULT_CHRONIC),
    correlate: firstOf(compileCorrelations(collected, context), DEFAULT_CORRELATE),
    transactions: compileTransactionRule(collected),
    route: routeBy(root, { catalog, teams: directory.teams }),
    loudness: loudnessBy(root, { catalog }),
    rootChannel: rootChannelOf(root),
    life: compileLife(collected),
    storm: compileStorm(collected),
    nextDigest: compileDigest(collected),
    gestures: compileGestures(collected, report),
    people: directory.people,
    links,
    mappings: compileMappings(collected, report),
  });
  if (options.seen !== undefined)
    warnBySeen(collected, { mutes, inhibit }, { rules, seen: options.seen }, report);
  return rules;
}

/** Whom and what matchers on `owner` and `capability` may mean. */
function namesOf({ services }: Catalog, { teams }: Directory): MatchContext['named'] {
  const all = [...services.values()];
  return {
    owner: new Set([...all.flatMap(({ owner }) => owner ?? []), ...teams.keys()]),
    capability: new Set(all.flatMap(({ capability }) => capability ?? [])),
  };
}

/** Same texts, same hash; after it the commit, if there is one. `built-in` when there are no files. */
function versionOf(files: readonly RulesFile[], origin: string | undefined): string {
  if (files.length === 0) return 'built-in';
  const hash = createHash('sha256');
  for (const { name, text } of files) hash.update(JSON.stringify([name, text]));
  const short = hash.digest('hex').slice(0, 7);
  return origin === undefined ? short : `${short}@${origin}`;
}
