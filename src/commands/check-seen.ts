/**
 * Reads the past for `quell check`: which alerts there were, and for how long they fired.
 */
import { parseDelivery } from '../ingest/sources.ts';
import type { Rules } from '../rules/rules.ts';
import { createSeen, type Seen } from '../rules/compile/seen.ts';
import { openHistory, reportMistakes } from './history.ts';
import { type HistoryFlags, historyPlace, withSince } from './history-place.ts';

interface ReadSeen {
  readonly seen: Seen;
  /** In words: how many alerts, and where. */
  readonly past: string;
}

/** Rejects with an AppError when it cannot be read. Lines with mistakes are told and left out. */
export async function readSeen(
  rules: Rules,
  { seen: recordings = [], ...flags }: HistoryFlags & { readonly seen?: readonly string[] },
): Promise<ReadSeen> {
  const kept = withSince(recordings, flags);
  const history = openHistory(historyPlace(recordings, kept, Date.now(), process.env));
  const seen = createSeen(rules);
  const mistakes: string[] = [];
  await history.read((line, place) => {
    if (line.kind === 'bad') mistakes.push(`${place}  ${line.error}`);
    if (line.kind !== 'delivery') return;
    const context = { source: line.source, delivery: place, at: line.at };
    const parsed = parseDelivery(line.body, context, rules.mappings);
    if (parsed.kind === 'refused') return void mistakes.push(`${place}  ${parsed.error}`);
    const file = place.replace(/:\d+$/, '');
    for (const event of parsed.events)
      if (event.kind === 'alert') seen.add(event.alert, line.at, file, line.line);
  });
  reportMistakes(mistakes);
  const count = [...seen.alerts()].length;
  const alerts = `${count.toLocaleString('en-GB')} ${count === 1 ? 'alert' : 'alerts'}`;
  return { seen, past: `${alerts} seen in ${history.name}` };
}
