/**
 * From proposals to suggestions: each is put into the rules, decided on what came in, and kept when it
 * does what it is for and loses nothing that people acknowledged. Pure.
 */
import type { Comparison } from '../rehearse/compare.ts';
import { compileRules } from '../rules/compile.ts';
import { type Edited, edit } from '../rules/edit.ts';
import type { Rules } from '../rules/rules.ts';
import type { RulesFile } from '../rules/source-file.ts';
import { unifiedDiff } from './diff.ts';
import type { Proposal } from './proposal.ts';

/** A proposal as rules. */
export interface Candidate {
  readonly proposal: Proposal;
  readonly edited: Edited;
  readonly rules: Rules;
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

/** Hidden by it at least. */
const HIDDEN_MIN = 3;

/** Those that can be written into these files and leave them right. */
export function candidatesOf(
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

export type Verdict =
  | { readonly kind: 'suggested'; readonly suggestion: Suggestion }
  /** It would hide what somebody acknowledged. */
  | { readonly kind: 'loses'; readonly title: string; readonly lost: number }
  /** It would change next to nothing. */
  | { readonly kind: 'idle' };

/** `folder`: the path that patches name files by. */
export function weigh(
  { proposal, edited }: Candidate,
  effect: Comparison,
  files: readonly RulesFile[],
  folder: string,
): Verdict {
  const { acknowledged } = effect.fates;
  const lost = acknowledged.hidden + acknowledged.digest;
  if (lost > 0) return { kind: 'loses', title: proposal.title, lost };
  if (!isWorthIt(proposal, effect)) return { kind: 'idle' };
  const { kind, title, evidence } = proposal;
  const { file, line } = edited;
  const patch = patchOf(files, edited.files, folder);
  return {
    kind: 'suggested',
    suggestion: { kind, title, evidence, file, line, patch, effect },
  };
}

function isWorthIt({ kind }: Proposal, { fates, merged, messages }: Comparison): boolean {
  switch (kind) {
    case 'hold':
    case 'digest':
    case 'chronic': {
      const quiet = [fates['not-actionable'], fates.untouched];
      return quiet.reduce((sum, one) => sum + one.hidden + one.digest, 0) >= HIDDEN_MIN;
    }
    case 'depends-on':
      return merged > 0 && messages.tried < messages.now;
    case 'alias':
    case 'services':
      return true;
  }
}

/** All that can stand side by side, in one set of files. */
export function together(
  suggested: readonly Proposal[],
  files: readonly RulesFile[],
): readonly RulesFile[] {
  return suggested.reduce((all, proposal) => edit(all, proposal.edit)?.files ?? all, files);
}

/** Of every file that differs. */
export function patchOf(
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
