/**
 * A proposed change of rules, with the figures it rests on. A person decides.
 */
import type { Edit } from '../rules/files/edit.ts';

export interface Proposal {
  readonly kind: 'hold' | 'digest' | 'chronic' | 'depends-on' | 'alias' | 'services';
  /** What to do, as a sentence; a question where history cannot know. */
  readonly title: string;
  /** The figures, as sentences. */
  readonly evidence: readonly string[];
  readonly edit: Edit;
}
