/**
 * Silences as Alertmanager's API says them, in and out.
 */
import { AppError } from '../errors.ts';
import type { Lanes } from '../lane/lanes.ts';
import { isObject } from '../ingest/parsed.ts';
import { parseTime } from '../ingest/time.ts';
import type { Instant, Silence, SilenceMatcher } from '../model.ts';
import { compileAnchored } from '../rules/regex.ts';
import type { KeptSilence } from '../state/small-records.ts';
import { iso } from './shapes.ts';

const MATCHERS_MAX = 100;
const TEXT_MAX = 4_096;

/** What was sent is no silence: 400, and what would be right. */
export function badSilence(message: string): AppError {
  return new AppError('bad-silence', message, { retryable: false });
}

/** Throws `bad-silence`. An id is only there when a silence is to be changed. */
export function readSilence(
  body: unknown,
  now: Instant,
): Omit<Silence, 'id'> & { readonly id: string | undefined } {
  if (!isObject(body)) throw badSilence('expected an object with matchers, startsAt, endsAt ...');
  const matchers = readMatchers(body['matchers']);
  const endsAt = readInstant(body['endsAt'], 'endsAt');
  const startsAt = body['startsAt'] === undefined ? now : readInstant(body['startsAt'], 'startsAt');
  if (endsAt <= startsAt) throw badSilence('endsAt: the end is not after the start');
  if (endsAt <= now) throw badSilence("endsAt: the end time can't be in the past");
  const { id } = body;
  return {
    id: typeof id === 'string' && id !== '' ? id : undefined,
    matchers,
    // As in Alertmanager, what began before it was set begins now.
    startsAt: Math.max(startsAt, now),
    endsAt,
    createdBy: readText(body['createdBy'], 'createdBy') || 'somebody',
    comment: readText(body['comment'], 'comment'),
  };
}

function readMatchers(value: unknown): readonly SilenceMatcher[] {
  if (!Array.isArray(value) || value.length === 0)
    throw badSilence('matchers: expected a list with at least one matcher');
  if (value.length > MATCHERS_MAX) throw badSilence(`matchers: at most ${MATCHERS_MAX}`);
  const matchers = value.map(readMatcher);
  if (matchers.every(matchesEmpty))
    throw badSilence('matchers: at least one must not match the empty string, or all is silenced');
  return matchers;
}

function readMatcher(value: unknown, index: number): SilenceMatcher {
  const place = `matchers[${index}]`;
  if (!isObject(value)) throw badSilence(`${place}: expected name, value, isRegex, isEqual`);
  const name = readText(value['name'], `${place}.name`);
  if (name === '') throw badSilence(`${place}.name: expected the name of a label`);
  const isRegex = value['isRegex'] === true;
  const matcher = {
    name,
    value: readText(value['value'], `${place}.value`),
    isRegex,
    isEqual: value['isEqual'] !== false,
  };
  const regex = isRegex ? compileAnchored(matcher.value) : undefined;
  if (regex?.kind === 'refused') throw badSilence(`${place}.value: ${regex.message}`);
  return matcher;
}

/** As in Alertmanager, where a matcher that says what is not silenced, `environment!="production"`, is enough. */
function matchesEmpty({ value, isRegex, isEqual }: SilenceMatcher): boolean {
  if (!isEqual || !isRegex) return isEqual && value === '';
  const regex = compileAnchored(value);
  return regex.kind !== 'refused' && regex.test('');
}

const NOBODY_SAYS = '\u2603 nobody says this';

/** It leaves out next to nothing: each of its matchers takes what nobody ever said. */
export function isForAll({ matchers }: Pick<Silence, 'matchers'>): boolean {
  return matchers.every(({ value, isRegex, isEqual }) => {
    if (!isRegex) return !isEqual;
    const regex = compileAnchored(value);
    return regex.kind !== 'refused' && regex.test(NOBODY_SAYS) === isEqual;
  });
}

function readText(value: unknown, place: string): string {
  if (typeof value !== 'string') throw badSilence(`${place}: expected text`);
  if (value.length > TEXT_MAX) throw badSilence(`${place}: at most ${TEXT_MAX} characters`);
  return value;
}

function readInstant(value: unknown, place: string): Instant {
  const at = typeof value === 'string' ? parseTime(value) : undefined;
  if (at === undefined) throw badSilence(`${place}: expected a time like 2026-01-01T00:00:00Z`);
  return at;
}

export function silenceShape({ silence, updatedAt }: KeptSilence, now: Instant) {
  const { id, matchers, startsAt, endsAt, createdBy, comment } = silence;
  return {
    id,
    status: { state: now < startsAt ? 'pending' : now < endsAt ? 'active' : 'expired' },
    matchers,
    startsAt: iso(startsAt),
    endsAt: iso(endsAt),
    updatedAt: iso(updatedAt),
    createdBy,
    comment,
  };
}

export type SilenceJson = ReturnType<typeof silenceShape>;

/** Those of all lanes by id: one that is set through the API is in each of them, and may have been ended in one. */
export function silencesIn({ all }: Pick<Lanes, 'all'>): ReadonlyMap<string, KeptSilence> {
  const [first, ...others] = all;
  if (others.length === 0) return first.state.silences;
  const found = new Map<string, KeptSilence>();
  for (const { state } of all) {
    for (const [id, kept] of state.silences) {
      const there = found.get(id);
      if (there === undefined || there.silence.endsAt < kept.silence.endsAt) found.set(id, kept);
    }
  }
  return found;
}

const PHASES = ['active', 'pending', 'expired'];

/** What ends next, then what begins next, then what is over, the newest first: as Alertmanager does it. */
export function silencesInOrder(
  silences: Iterable<KeptSilence>,
  now: Instant,
): readonly SilenceJson[] {
  const all = [...silences].map((kept) => ({ kept: kept.silence, shape: silenceShape(kept, now) }));
  all.sort((one, other) => {
    const { state } = one.shape.status;
    const byPhase = PHASES.indexOf(state) - PHASES.indexOf(other.shape.status.state);
    if (byPhase !== 0) return byPhase;
    if (state === 'pending') return one.kept.startsAt - other.kept.startsAt;
    return (one.kept.endsAt - other.kept.endsAt) * (state === 'active' ? 1 : -1);
  });
  return all.map(({ shape }) => shape);
}
