/**
 * Alerts of one service say much the same: a text that is equal is kept once in memory, however many
 * alerts say it. With many alerts open that is half of what they would take.
 */
import type { Alert, Draft, Facts, Labels } from '../model.ts';

/** Nothing changes but the copies: an alert's texts become those of its kin where they are equal. */
export function shareTexts(alert: Draft<Alert>, kin: Alert): void {
  adopt(alert.labels, kin.labels);
  adopt(alert.annotations, kin.annotations);
  if (alert.generatorURL === kin.generatorURL) alert.generatorURL = kin.generatorURL;
  adoptFacts(alert.facts, kin.facts);
}

/** What was read out of labels and annotations is a text of its own, or one that was just replaced there. */
function adoptFacts(own: Draft<Facts>, others: Facts): void {
  if (own.name === others.name) own.name = others.name;
  if (own.runbook === others.runbook) own.runbook = others.runbook;
  if (own.dashboard === others.dashboard) own.dashboard = others.dashboard;
}

function adopt(own: Draft<Labels>, others: Labels): void {
  for (const name in own) {
    const text = others[name];
    if (text !== undefined && text === own[name]) own[name] = text;
  }
}

/** Two sets of labels, or of annotations, with the same names and values. */
export function areSameTexts(one: Labels, other: Labels): boolean {
  // A recording's alerts share what they say (ingest/packed.ts).
  if (one === other) return true;
  let names = 0;
  for (const name in one) {
    if (one[name] !== other[name]) return false;
    names++;
  }
  for (const _ in other) names--;
  return names === 0;
}
