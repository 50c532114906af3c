/**
 * Durations, as rules write them and as people say them.
 *
 * Rules write them as Prometheus does: `90s`, `10m`, `1h30m`, `7d`, `500ms`. A number without a unit
 * is refused (except 0), because nobody can tell whether 10 means seconds or minutes.
 */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);
/** What people write instead of a unit. */
const SPELLED: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/i, 'ms'],
  [/^(s|secs?|seconds?)$/i, 's'],
  [/^(m|mins?|minutes?)$/i, 'm'],
  [/^(h|hrs?|hours?)$/i, 'h'],
  [/^(d|days?)$/i, 'd'],
  [/^(w|wks?|weeks?)$/i, 'w'],
];
const YEAR_MS = 366 * 86_400_000;

type ParsedDuration =
  | { readonly kind: 'duration'; readonly ms: number }
  | { readonly kind: 'refused'; readonly message: string };

export function parseDuration(value: unknown): ParsedDuration {
  if (value === 0 || value === '0') return { kind: 'duration', ms: 0 };
  if (typeof value === 'number') {
    return refused(`${value} is no duration: add the unit, ${value}s or ${value}m`);
  }
  if (typeof value !== 'string') return refused('a duration is written like 90s, 10m or 1h30m');
  const text = value.trim();
  if (!/^(\d{1,9}(ms|[wdhms]))+$/.test(text)) return refused(explain(text));
  let ms = 0;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+)(ms|[wdhms])/g)) {
    ms += Number(count) * (UNIT_MS.get(unit) ?? 0);
  }
  if (ms > YEAR_MS) return refused(`${text} is longer than a year`);
  return { kind: 'duration', ms };
}

function refused(message: string): ParsedDuration {
  return { kind: 'refused', message };
}

function explain(text: string): string {
  const no = `"${text.slice(0, 40)}" is no duration`;
  const short = spelledShort(text);
  if (short !== undefined) return `${no}: write ${short}`;
  const decimal = /^(\d{1,6}\.\d{1,3})\s*(ms|[wdhms])$/i.exec(text);
  const per = UNIT_MS.get(decimal?.[2]?.toLowerCase() ?? '');
  if (decimal !== null && per !== undefined) {
    return `${no}: write ${formatDuration(Math.round(Number(decimal[1]) * per))}`;
  }
  if (/^\d+$/.test(text)) return `${no}: add the unit, ${text}s or ${text}m`;
  return `${no}: write it like 90s, 10m or 1h30m`;
}

/** `2 hours` is `2h`; undefined: no number with a unit that people use. */
export function spelledShort(text: string): string | undefined {
  const [, count, word = ''] = /^(\d{1,9})\s*([a-z]+)$/i.exec(text) ?? [];
  const unit = SPELLED.find(([pattern]) => pattern.test(word))?.[1];
  return count === undefined || unit === undefined ? undefined : `${count}${unit}`;
}

/** The shortest exact way to write it: `1h30m`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms <= 0) return '0s';
  let rest = Math.round(ms);
  let text = '';
  for (const [unit, size] of UNIT_MS) {
    const count = Math.floor(rest / size);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** `45 s`, `6 min`, `1 h 5 min`, `2 d 3 h`: two units at most, the smaller one only when it matters. */
export function duration(ms: number): string {
  const seconds = Number.isFinite(ms) ? Math.max(0, Math.floor(ms / 1_000)) : 0;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return withRest(`${hours} h`, minutes % 60, 'min');
  return withRest(`${Math.floor(hours / 24)} d`, hours % 24, 'h');
}

/** The same, to the second as long as that matters: `90 s`, `9 min 30 s`. */
export function exactDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 600) return withRest(`${Math.floor(seconds / 60)} min`, seconds % 60, 's');
  return duration(seconds * 1_000);
}

function withRest(whole: string, rest: number, unit: string): string {
  return rest === 0 ? whole : `${whole} ${rest} ${unit}`;
}
