/**
 * The small shapes that rules files are made of: durations, time zones, channels, links, places of
 * facts. Each says in its message what would be right, and in `meta` what editors are told of it:
 * words of JSON Schema, or `besides`, shorter ways to write it. scripts/schema/ reads them.
 */
import { IANAZone } from 'luxon';
import { z } from 'zod';
import { SHAPE } from '../../limits.ts';
import { parseDuration } from '../duration.ts';

/** The keys that an object knows go into the message, where schema-errors.ts finds them. */
export function strict<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined,
  });
}

function refuse(context: z.core.$RefinementCtx, message: string, hint?: string): never {
  context.addIssue({ code: 'custom', message, params: { hint } });
  return z.NEVER;
}

export const Text = z.string().trim().min(1).max(1_000);
export const Why = Text.optional();
export const Flag = z.boolean().optional();

/** One value may stand without the brackets of a list. */
export function oneOrMany<T extends z.ZodType>(item: T) {
  return z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(item).max(SHAPE['rules-list']),
    )
    .meta({ besides: 'one item' });
}

const DURATION = { type: 'string', pattern: '^((\\d{1,9}(ms|[wdhms]))+|0)$' };
const DURATION_HELP = 'Like 90s, 10m, 1h30m or 7d.';

export const Duration = z
  .unknown()
  .transform((value, context): number => {
    const parsed = parseDuration(value);
    return parsed.kind === 'duration' ? parsed.ms : refuse(context, parsed.message);
  })
  .meta({ anyOf: [DURATION, { const: 0 }], description: DURATION_HELP });

export const DurationOrNever = z
  .unknown()
  .transform((value, context): number => {
    if (value === 'never') return Number.POSITIVE_INFINITY;
    const parsed = parseDuration(value);
    if (parsed.kind === 'duration') return parsed.ms;
    return refuse(context, parsed.message, 'or "never"');
  })
  .meta({ anyOf: [DURATION, { const: 0 }, { const: 'never' }], description: DURATION_HELP });

export const Zone = z
  .string()
  .transform((value, context): string => {
    if (IANAZone.isValidZone(value)) return value;
    const hint = 'time zones are called like Europe/London, America/New_York or UTC';
    return refuse(context, `unknown time zone "${value}"`, hint);
  })
  .meta({ description: 'A time zone, like Europe/London or UTC.' });

const MOMENT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)$/;

export const Moment = z
  .unknown()
  .transform((value, context): number => {
    const text = typeof value === 'string' ? value.trim() : '';
    const zoned = MOMENT.test(text);
    const at = zoned ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
    if (Number.isFinite(at)) return at;
    const hint =
      'write it with its offset from UTC, like 2026-03-01T02:00:00Z or 2026-03-01T02:00+01:00';
    return refuse(context, `"${text.slice(0, 40) || typeof value}" is no point in time`, hint);
  })
  .meta({ type: 'string', pattern: MOMENT.source, description: 'Like 2026-03-01T02:00:00Z.' });

const CHANNEL = '^(#[^\\s#@,<>&]{1,80}|[CGD][A-Z0-9]{7,})$';
const CHANNEL_HELP = "In quotes, like '#alerts', or a channel id.";
export const Channel = z
  .string()
  .transform(readChannel)
  .meta({ pattern: CHANNEL, description: CHANNEL_HELP });
/** A route may also say `owner`: the channel of whoever owns the service. */
export const RouteChannel = z
  .string()
  .transform((value, context) => (value === 'owner' ? value : readChannel(value, context)))
  .meta({ anyOf: [{ const: 'owner' }, { pattern: CHANNEL }], description: CHANNEL_HELP });

function readChannel(value: string, context: z.core.$RefinementCtx): string {
  if (/^#[^\s#@,<>&]{1,80}$/.test(value) || /^[CGD][A-Z0-9]{7,}$/.test(value)) return value;
  const bare = /^[\w-]{1,80}$/.test(value);
  const hint = bare ? `write '#${value}', in quotes` : "write it like '#alerts'";
  return refuse(context, `"${value.slice(0, 80)}" is no channel`, hint);
}

export const SlackUser = z
  .string()
  .transform((value, context): string => {
    if (/^[UW][A-Z0-9]{2,}$/.test(value)) return value;
    const hint = 'it looks like U012AB3CD; Slack shows it in a profile under "Copy member ID"';
    return refuse(context, `"${value.slice(0, 40)}" is no Slack member id`, hint);
  })
  .meta({ pattern: '^[UW][A-Z0-9]{2,}$', description: 'A Slack member id, like U012AB3CD.' });

export const Link = z
  .string()
  .transform((value, context): string => {
    const filled = value.replace(/\{[^{}]*\}/g, 'x');
    if (/^https?:\/\//i.test(value) && URL.canParse(filled)) return value;
    return refuse(context, `"${value.slice(0, 80)}" is no link`, 'a link begins with https://');
  })
  .meta({ pattern: '^[hH][tT][tT][pP][sS]?://' });

/** What a mapping was meant to say: `{ severity: critical }`, and what YAML makes of `{severity="critical"}`. */
function asMatcher(value: unknown): string {
  const [first] = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (first === undefined || Array.isArray(value)) return 'severity="critical"';
  const [name, of] = first;
  return of === null ? name : `${name}=${JSON.stringify(String(of))}`;
}

const MatcherText = z
  .unknown()
  .transform((value, context): string => {
    if (typeof value === 'string' && value.length <= 10_000) return value;
    return refuse(context, 'a matcher is a text', `write it in quotes: '${asMatcher(value)}'`);
  })
  .meta({ type: 'string', maxLength: 10_000 });
export const Match = oneOrMany(MatcherText);
/** Alertmanager calls it `matchers`. */
export const matching = { match: Match.optional(), matchers: Match.optional() };

/** Minutes since midnight. */
export const Clock = z
  .unknown()
  .transform((value, context): number => {
    const parts = typeof value === 'string' ? /^(\d{1,2}):(\d\d)$/.exec(value.trim()) : null;
    const minutes = Number(parts?.[1]) * 60 + Number(parts?.[2]);
    if (parts !== null && minutes <= 1_440 && Number(parts[2]) < 60) return minutes;
    return refuse(
      context,
      `"${String(value).slice(0, 40)}" is no time of day`,
      "write it like '09:00'",
    );
  })
  .meta({
    type: 'string',
    pattern: '^\\s*\\d{1,2}:[0-5]\\d\\s*$',
    description: "In quotes: '09:00'.",
  });
export const Emoji = z.string().transform((value, context): string => {
  const name = value.replace(/^:|:$/g, '').replace(/::skin-tone-\d$/, '');
  if (/^[a-z0-9_+'-]{1,100}$/.test(name)) return name;
  return refuse(
    context,
    `"${value.slice(0, 40)}" is no emoji name`,
    'write it like eyes or white_check_mark',
  );
});
export type FactPlace =
  | { readonly kind: 'label' | 'annotation'; readonly name: string }
  | { readonly kind: 'pattern'; readonly pattern: string };

const PATTERN_HELP = 'A pattern that is looked for in all annotations.';
const Pattern = strict({ text: z.string().min(1) });
export const FactPlace = z
  .unknown()
  .transform((value, context): FactPlace => {
    if (typeof value === 'object' && value !== null) {
      const parsed = Pattern.safeParse(value);
      if (parsed.success) return { kind: 'pattern', pattern: parsed.data.text };
    }
    const name = typeof value === 'string' ? /^(label|annotation)s?\.(.+)$/s.exec(value) : null;
    if (name?.[2] !== undefined) {
      return { kind: name[1] === 'label' ? 'label' : 'annotation', name: name[2] };
    }
    const hint = "write labels.NAME, annotations.NAME or { text: 'a pattern with (?P<id>...)' }";
    const bare = typeof value === 'string' && /^[\w-]+$/.test(value);
    const shown = typeof value === 'string' ? `"${value.slice(0, 60)}"` : 'this';
    return refuse(
      context,
      `${shown} does not say where the fact stands`,
      bare ? `write labels.${value} or annotations.${value}` : hint,
    );
  })
  .meta({
    id: 'place',
    description: "labels.NAME, annotations.NAME, or { text: 'a pattern with (?P<id>...)' }.",
    anyOf: [
      { type: 'string', pattern: '^(label|annotation)s?\\..+$' },
      {
        type: 'object',
        properties: { text: { type: 'string', minLength: 1, description: PATTERN_HELP } },
        required: ['text'],
        additionalProperties: false,
      },
    ],
  });

// --- paths into the JSON of a tool: see ingest/path.ts ---------------------------------------------

const BRACKETS = String.raw`\["[^"]*"\]|\[\d+\]|\[[^[\]=]+=[^[\]]*\]`;
const PATH = new RegExp(
  String.raw`^(?:\$\.)?(?:[^.[\]]+|${BRACKETS})(?:\.[^.[\]]+|\.?(?:${BRACKETS}))*$`,
);
const PATH_HINT = 'like data.check.name, items[0].id or tags[name=env].value';

/** A path, or a text after `=`. */
function pathThat(isFine: (text: string) => boolean, hint: string) {
  return z
    .unknown()
    .transform((value, context): string => {
      const text = typeof value === 'number' ? String(value) : value;
      if (typeof text === 'string' && text.length <= 1_000 && isFine(text)) return text;
      const shown = typeof text === 'string' ? `"${text.slice(0, 80)}"` : 'this';
      return refuse(context, `${shown} is no path`, hint);
    })
    .meta({ type: 'string', maxLength: 1_000 });
}

export const Path = pathThat(
  (text) => text.startsWith('=') || PATH.test(text),
  `${PATH_HINT}; a fixed text stands after =`,
);
export const ListPath = pathThat((text) => PATH.test(text.replace(/\[\]$/, '')), 'like items');
