/**
 * Lines of a recording on their way from the thread that reads them to the one that decides them.
 *
 * What is handed over is copied, and to copy every alert would cost as much as to read it. But alerts
 * come again and say the same of themselves: their words cross once, and from then on a number stands
 * for them.
 */
import type { Event, Instant, Labels, ReceivedAlert } from '../model.ts';
import { areSameTexts } from '../state/texts.ts';
import type { Recorded } from './recording.ts';

/** A line as it was recorded, or what was read out of it already. */
export type ReadLine = Recorded | ReadDelivery;

export interface ReadDelivery {
  readonly kind: 'alerts';
  readonly line: number;
  readonly at: Instant;
  readonly events: readonly Event[];
}

/** What an alert says of itself, in whatever state it is. */
interface Words {
  readonly source: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly generatorURL: string | undefined;
  readonly fingerprint: string | undefined;
}

export interface Batch {
  /**
   * For each line: the number of its path, its number there, its instant, and how many alerts follow;
   * `OTHER`: it is the next of `others`. For each alert: the number of its words, its status, startsAt, endsAt.
   */
  readonly numbers: Float64Array;
  readonly others: readonly ReadLine[];
  readonly paths: readonly string[];
  /** Words that were not known before ... */
  readonly words: readonly Words[];
  /** ... and the number of the first. Those that had it before, and all after them, are forgotten. */
  readonly wordsFrom: number;
}

const OTHER = -1;
const STATUSES = ['firing', 'resolved'] as const;
/** Added to the status of an alert whose source did not say when it started. */
const UNDATED = 2;

/** All are forgotten when there are more: the memory of both threads is bounded. */
const WORDS_MAX = 20_000;

interface Packer {
  readonly add: (line: ReadLine, path: string) => void;
  /** What was added since it was called last. */
  readonly take: () => Batch;
}

/** `nameOf`: the fingerprint of an alert, if all who decide it know it by the same. */
export function createPacker(nameOf: (alert: ReceivedAlert) => string | undefined): Packer {
  /** By the labels of an alert: what it said last, and the number of that. */
  const known = new Map<string, { readonly number: number; readonly words: Words }>();
  let told = 0;
  const paths: string[] = [];
  let fresh: Words[] = [];
  let numbers: number[] = [];
  let others: ReadLine[] = [];
  const pathOf = (path: string): number => {
    const index = paths.indexOf(path);
    return index < 0 ? paths.push(path) - 1 : index;
  };
  const wordsOf = (alert: ReceivedAlert): number => {
    const { source, labels, annotations, generatorURL } = alert;
    const key = valuesOf(labels);
    const last = known.get(key);
    if (last !== undefined && saysAgain(last.words, alert)) return last.number;
    const words = { source, labels, annotations, generatorURL, fingerprint: nameOf(alert) };
    known.set(key, { number: told, words });
    fresh.push(words);
    return told++;
  };
  return {
    add(line, path) {
      const { kind, line: number } = line;
      // A delivery with something odd in it goes as it is.
      const alerts = kind === 'alerts' ? line.events.filter(isAlert) : [];
      if (kind !== 'alerts' || alerts.length < line.events.length) {
        numbers.push(pathOf(path), number, Number.NaN, OTHER);
        others.push(line);
        return;
      }
      numbers.push(pathOf(path), number, line.at, alerts.length);
      for (const { alert } of alerts) {
        const status = STATUSES.indexOf(alert.status) + (alert.undated === true ? UNDATED : 0);
        numbers.push(wordsOf(alert), status, alert.startsAt, alert.endsAt ?? Number.NaN);
      }
    },
    take() {
      const wordsFrom = told - fresh.length;
      const batch = {
        numbers: new Float64Array(numbers),
        others,
        paths,
        words: fresh,
        wordsFrom,
      };
      numbers = [];
      others = [];
      fresh = [];
      if (told > WORDS_MAX) {
        known.clear();
        told = 0;
      }
      return batch;
    },
  };
}

/** The same for two alerts at times: what they say is compared before it counts. JSON would take four times as long. */
function valuesOf(labels: Labels): string {
  let values = '';
  for (const name in labels) values += labels[name];
  return values;
}

function saysAgain(words: Words, alert: ReceivedAlert): boolean {
  return (
    words.source === alert.source &&
    words.generatorURL === alert.generatorURL &&
    areSameTexts(words.labels, alert.labels) &&
    areSameTexts(words.annotations, alert.annotations)
  );
}

function isAlert(event: Event): event is Extract<Event, { readonly kind: 'alert' }> {
  return event.kind === 'alert';
}

/** Calls back for each line of the batches of one packer, in order; `place` names it in messages. */
export function createUnpacker(): (
  batch: Batch,
  each: (line: ReadLine, place: string) => void,
) => void {
  const known: Words[] = [];
  return ({ numbers, others, paths, words, wordsFrom }, each) => {
    known.length = wordsFrom;
    for (const one of words) known.push(one);
    let index = 0;
    let other = 0;
    const next = (): number => numbers[index++] ?? Number.NaN;
    while (index < numbers.length) {
      const path = paths[next()] ?? '';
      const line = next();
      const at = next();
      const count = next();
      const place = `${path}:${line}`;
      if (count === OTHER) {
        const recorded = others[other++];
        if (recorded !== undefined) each(recorded, place);
        continue;
      }
      const events: Event[] = [];
      while (events.length < count)
        events.push(eventOf(known[next()], place, next(), next(), next()));
      each({ kind: 'alerts', line, at, events }, place);
    }
  };
}

function eventOf(
  words: Words | undefined,
  delivery: string,
  code: number,
  startsAt: Instant,
  ends: number,
): Event {
  if (words === undefined) throw new Error('words of an alert that never crossed');
  const { source, labels, annotations, generatorURL, fingerprint } = words;
  const status = STATUSES[code % UNDATED] ?? 'firing';
  const endsAt = Number.isNaN(ends) ? undefined : ends;
  const alert: ReceivedAlert =
    code < UNDATED
      ? { source, status, labels, annotations, startsAt, endsAt, generatorURL }
      : {
          source,
          status,
          labels,
          annotations,
          startsAt,
          undated: true,
          endsAt,
          generatorURL,
        };
  if (fingerprint === undefined) return { kind: 'alert', delivery, alert };
  return { kind: 'alert', delivery, alert, fingerprint };
}
