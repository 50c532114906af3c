/**
 * One copy of each text that many alerts share. A platform's label values are few, but every delivery
 * brings its own copy of them: without this a hundred thousand open alerts take twice the memory.
 */
import type { Labels } from './model.ts';

/** Longer texts are seldom shared. */
const LENGTH_MAX = 64;
/** Then the pool starts anew: texts that are still common come back at once. */
const TEXTS_MAX = 20_000;

export type Texts = Map<string, string>;

export function shareText(texts: Texts, text: string): string {
  if (text.length > LENGTH_MAX) return text;
  const shared = texts.get(text);
  if (shared !== undefined) return shared;
  if (texts.size >= TEXTS_MAX) texts.clear();
  texts.set(text, text);
  return text;
}

/** The same labels in the same order, with shared texts. */
export function shareLabels(texts: Texts, labels: Labels): Labels {
  const shared: Record<string, string> = {};
  for (const name of Object.keys(labels)) {
    const value = shareText(texts, labels[name] ?? '');
    // Assigning it would set the prototype.
    if (name === '__proto__')
      Object.defineProperty(shared, name, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    else shared[name] = value;
  }
  return shared;
}
