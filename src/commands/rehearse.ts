/**
 * `quell replay ... --against DIR`: a rehearsal. What would other rules change? Exit code 1 when
 * something that people acknowledged would be lost.
 */
import { writeFile } from 'node:fs/promises';
import { createRehearsal, type Rehearsed } from '../rehearse/rehearsal.ts';
import { renderPage } from '../rehearse/page.ts';
import { renderText } from '../rehearse/text.ts';
import { type Describe, losesAcknowledged } from '../rehearse/words.ts';
import { entryText } from '../rules/files/entry.ts';
import type { Rules } from '../rules/rules.ts';
import { type LoadedFolder, loadFolder } from './rules-folder.ts';
import { fileError, reportMistakes } from './history.ts';
import { asJson } from './json.ts';
import type { ReadAhead } from './read-ahead.ts';

interface RehearseFlags {
  /** Of the rules that are tried. */
  readonly rules: string;
  readonly against: string;
  readonly json: boolean;
  readonly html: string | undefined;
}

export async function rehearse(history: ReadAhead, flags: RehearseFlags): Promise<number> {
  const [tried, now] = [await loadFolder(flags.rules), await loadFolder(flags.against)];
  if (tried === undefined || now === undefined) return 2;
  const { rehearsed, mistakes } = await decideAgain(history, now.rules, [tried.rules]);
  const [comparison] = rehearsed.comparisons;
  if (comparison === undefined) throw new Error('one set of rules was tried');
  reportMistakes(mistakes);
  const describe = describeBy(now, tried);
  if (flags.html !== undefined) {
    const titles = { now: flags.against, tried: flags.rules, history: history.name };
    await save(flags.html, renderPage(comparison, describe, titles));
  }
  process.stdout.write(flags.json ? asJson(comparison) : renderText(comparison, describe));
  return mistakes.length > 0 || losesAcknowledged(comparison) ? 1 : 0;
}

function describeBy(now: LoadedFolder, tried: LoadedFolder): Describe {
  return ({ rule, in: where }) => entryText((where === 'now' ? now : tried).files, rule);
}

export interface Decided {
  readonly rehearsed: Rehearsed;
  /** Lines that could not be read, and why. */
  readonly mistakes: readonly string[];
}

export async function decideAgain(
  history: ReadAhead,
  now: Rules,
  tried: readonly Rules[],
  past?: Rehearsed,
): Promise<Decided> {
  const rehearsal = createRehearsal(now, tried, past);
  const mistakes: string[] = [];
  await history.read([now, ...tried], (line, place) => {
    const wrong = line.kind === 'bad' ? line.error : rehearsal.play(line, place);
    if (wrong !== undefined) mistakes.push(`${place}  ${wrong}`);
  });
  return { rehearsed: rehearsal.finish(), mistakes };
}

export async function save(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw fileError(`cannot write ${path}`, error);
  }
}
