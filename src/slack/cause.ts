/** The words for the likely cause, what speaks for it, and who else may be it. */
import type { RootCandidate } from '../model.ts';
import type { CandidateView, CauseView } from '../view/cause.ts';
import type { MessageView } from '../view.ts';
import { cut, type Line } from './rich.ts';
import { count, digits, list } from './words.ts';

const NAME_MAX = 60;

/** Said only where there is something to find out: one service alone is its own cause. */
export function cause(view: MessageView): Line {
  const { root } = view;
  if (root === undefined || (view.servicesTotal <= 1 && view.otherRoots.length === 0)) return [];
  const known = [
    root.tier === undefined ? '' : `tier ${root.tier}`,
    cut(root.owner ?? '', NAME_MAX),
  ].filter((text) => text !== '');
  const reasons = root.reasons.map(reason).filter((text) => text !== '');
  // A lesser candidate may explain it: then something is known that links them.
  const isLinked =
    root.explainsOthers || view.otherRoots.some((one) => one.explains > root.explains);
  if (view.servicesTotal > 1 && !isLinked) {
    reasons.push(linkedBy(root));
  } else if (root.of > 1) {
    reasons.push(explained(root));
  }
  return [
    cut(root.service, NAME_MAX),
    known.length === 0 ? '' : ` (${known.join(', ')})`,
    reasons.length === 0 ? '' : `: ${reasons.slice(0, 5).join('; ')}`,
  ];
}

/** Why they are one incident, although it explains none of the others. */
function linkedBy({ shared }: NonNullable<MessageView['root']>): string {
  switch (shared?.kind) {
    case undefined:
      return 'nothing is known that links it to the others';
    case 'rule':
      return `kept together by ${cut(shared.rule, NAME_MAX)}`;
    case 'host':
      return `${ofAll(shared.services, shared.of)} services are on host ${cut(shared.name, NAME_MAX)}`;
    case 'transaction':
      return `${ofAll(shared.alerts, shared.of)} alerts carry transaction ${cut(shared.id, NAME_MAX)}`;
  }
}

function ofAll(some: number, all: number): string {
  if (some < all) return `${some} of ${all}`;
  return all === 2 ? 'both' : `all ${all}`;
}

export function otherCandidates({ root, otherRoots, alerts }: MessageView): string {
  const named = otherRoots.flatMap((other) => {
    const first = other.explainsOthers ? explained(other) : speaksFor(other);
    const facts = [first, alerts.firing > 0 && overSince(other, root), whenLater(other, root)];
    return first === ''
      ? []
      : [`${cut(other.service, NAME_MAX)} (${facts.filter(Boolean).join('; ')})`];
  });
  return list(named, 2);
}

function explained({ explains, of }: RootCandidate): string {
  return `explains ${digits(explains)} of ${count(of, 'alert')}`;
}

/** Of one that explains its own alerts only. */
function speaksFor({ reasons, clearedAt }: CandidateView): string {
  return clearedAt === undefined ? reasons.map(reason).join('; ') : '';
}

/** Both may have recovered: then the one that did so earlier comes second, however much it explains. */
function overSince({ clearedAt, explains }: CandidateView, root: CauseView | undefined): string {
  if (clearedAt === undefined) return '';
  if (root?.clearedAt === undefined || explains < root.explains) return 'recovered';
  const minutes = Math.round((root.clearedAt - clearedAt) / 60_000);
  return minutes < 1 ? 'recovered' : `recovered ${minutes} min earlier`;
}

/** It explains no less than the likely cause, and comes second because it came later. */
function whenLater(other: CandidateView, root: CauseView | undefined): string {
  if (root === undefined || other.explains < root.explains || other.clearedAt !== undefined)
    return '';
  const minutes = Math.round((other.since - root.since) / 60_000);
  return minutes < 1 ? '' : `began ${minutes} min later`;
}

export function reason(text: string): string {
  return cut(text.replace(/\s*->\s*/g, ' → '), 160);
}
