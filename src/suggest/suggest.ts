/**
 * From proposals to suggestions: each is put into the rules, decided on what came in, and kept when it
 * does what it is for and loses nothing that people acknowledged. Pure.
 */
import type { Comparison } from '../rehearse/compare.ts';
import type { Rehearsed } from '../rehearse/rehearsal.ts';
import { compileRules } from '../rules/compile.ts';
import { type Edited, edit } from '../rules/files/edit.ts';
import type { Rules } from '../rules/rules.ts';
import type { RulesFile } from '../rules/files/source-file.ts';
import { unifiedDiff } from './diff.ts';
import type { Proposal } from './proposal.ts';
import { propose, SPARE_MIN } from './propose.ts';
import { surveyOf, type Survey } from './survey.ts';

/** The rules in force; `path`: of their folder, as patches name files. */
interface Ground {
  readonly rules: Rules;
  readonly files: readonly RulesFile[];
  readonly path: string;
}

/** Decides what came in again, under the rules in force and those to be tried. */
type Decide = (tried: readonly Rules[]) => Promise<Rehearsed>;

export interface Suggested {
  readonly survey: Survey;
  readonly suggestions: readonly Suggestion[];
  /** Left out, because they would hide what somebody acknowledged. */
  readonly losing: readonly { readonly title: string; readonly lost: number }[];
  /** The effect of all suggestions at once, when there are several. */
  readonly together: Comparison | undefined;
  /** All suggestions as one patch. */
  readonly patch: string;
}

export interface Suggestion {
  readonly kind: Proposal['kind'];
  readonly title: string;
  readonly evidence: readonly string[];
  /** Where the new text stands once the patch is applied. */
  readonly file: string;
  readonly line: number;
  readonly patch: string;
  readonly effect: Comparison;
}

/** Decides three times: to see what there is, to try each proposal, and to try all that are left at once. */
export async function findSuggestions(ground: Ground, decide: Decide): Promise<Suggested> {
  const { rules, files, path } = ground;
  const { now, judged } = await decide([]);
  const survey = surveyOf(now, judged, rules.catalog);
  const candidates = candidatesOf(propose(survey, rules), files);
  const tried = candidates.map((candidate) => candidate.rules);
  const comparisons = tried.length === 0 ? [] : (await decide(tried)).comparisons;
  const weighed = candidates.flatMap((candidate, index) => {
    const effect = comparisons[index];
    return effect === undefined ? [] : [{ candidate, effect, fits: weigh(candidate, effect) }];
  });
  const kept = weighed.filter(({ fits }) => fits === 'suggested');
  const all = kept.reduce(
    (edited, { candidate }) => edit(edited, candidate.proposal.edit)?.files ?? edited,
    files,
  );
  const joint = compileRules(all);
  const isMany = kept.length > 1 && joint.kind === 'loaded';
  return {
    survey,
    suggestions: kept.map(({ candidate, effect }) => suggestionOf(candidate, effect, ground)),
    losing: weighed
      .filter(({ fits }) => fits === 'loses')
      .map(({ candidate, effect }) => ({ title: candidate.proposal.title, lost: lostBy(effect) })),
    together: isMany ? (await decide([joint.rules])).comparisons[0] : undefined,
    patch: patchOf(files, all, path),
  };
}

/** A proposal as rules. */
interface Candidate {
  readonly proposal: Proposal;
  readonly edited: Edited;
  readonly rules: Rules;
}

/** Those that can be written into these files and leave them right. */
function candidatesOf(
  proposals: readonly Proposal[],
  files: readonly RulesFile[],
): readonly Candidate[] {
  return proposals.flatMap((proposal) => {
    const edited = edit(files, proposal.edit);
    if (edited === undefined) return [];
    const result = compileRules(edited.files);
    return result.kind === 'loaded' ? [{ proposal, edited, rules: result.rules }] : [];
  });
}

/** `loses`: it would hide what somebody acknowledged. `idle`: it would change next to nothing. */
function weigh({ proposal }: Candidate, effect: Comparison): 'suggested' | 'loses' | 'idle' {
  if (lostBy(effect) > 0) return 'loses';
  return isWorthIt(proposal, effect) ? 'suggested' : 'idle';
}

function lostBy({ fates: { acknowledged } }: Comparison): number {
  return acknowledged.hidden + acknowledged.digest;
}

function isWorthIt({ kind }: Proposal, { fates, merged, messages }: Comparison): boolean {
  switch (kind) {
    case 'hold':
    case 'digest':
    case 'chronic': {
      const quiet = [fates['not-actionable'], fates.untouched];
      return quiet.reduce((sum, one) => sum + one.hidden + one.digest, 0) >= SPARE_MIN;
    }
    case 'depends-on':
      return merged > 0 && messages.tried < messages.now;
    case 'alias':
    case 'services':
      return true;
  }
}

function suggestionOf(
  { proposal, edited }: Candidate,
  effect: Comparison,
  { files, path }: Ground,
): Suggestion {
  const { kind, title, evidence } = proposal;
  const { file, line } = edited;
  return { kind, title, evidence, file, line, patch: patchOf(files, edited.files, path), effect };
}

/** Of every file that differs. */
function patchOf(
  before: readonly RulesFile[],
  after: readonly RulesFile[],
  folder: string,
): string {
  return after
    .map(({ name, text }) => {
      const known = before.find((file) => file.name === name);
      const path = folder === '' ? name : `${folder}/${name}`;
      return known?.text === text ? '' : unifiedDiff(path, known?.text, text);
    })
    .join('');
}
