/**
 * The shape of rules files: one schema for each kind of entry. Shape only; what refers to something
 * else (services, teams, time intervals) is checked by the compilers, which know all files.
 *
 * Keys are ours in camelCase; where a piece is Alertmanager's own, its spelling is taken as well.
 */
import { z } from 'zod';
import { SHAPE } from '../../limits.ts';
import {
  Channel,
  Clock,
  Duration,
  DurationOrNever,
  Emoji,
  FactPlace,
  Flag,
  Link,
  ListPath,
  Match,
  Moment,
  Path,
  RouteChannel,
  SlackUser,
  Text,
  Why,
  Zone,
  matching,
  oneOrMany,
  strict,
} from './schema-parts.ts';

// --- services, people, teams ------------------------------------------------------------------

export const Service = strict({
  name: Text,
  aliases: oneOrMany(Text).optional(),
  owner: Text.optional(),
  channel: Channel.optional(),
  tier: z.int().min(1).max(5).optional(),
  capability: Text.optional(),
  runbook: Link.optional(),
  dashboard: Link.optional(),
  dependsOn: oneOrMany(Text).optional(),
  why: Why,
});

export const Person = strict({ name: Text, slack: SlackUser, team: Text.optional(), why: Why });
export const Team = strict({
  name: Text,
  channel: Channel.optional(),
  oncall: oneOrMany(Text).optional(),
  lead: oneOrMany(Text).optional(),
  why: Why,
});

// --- facts ------------------------------------------------------------------------------------

const WORDS = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
);
const Places = oneOrMany(FactPlace);

/** Names of labels: where facts stand they are written `labels.NAME`, so that is taken, too. */
const LabelNames = oneOrMany(Text.transform((name) => name.replace(/^labels?\./, '')));

/** Places alone are written without `from`. */
function withFrom(value: unknown): unknown {
  const isWhole =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('text' in value);
  return isWhole ? value : { from: value };
}

/** A list, or an object with `from` and what to make of the values. */
export const Fact = z
  .preprocess(
    withFrom,
    strict({ from: Places.optional(), map: WORDS.optional(), default: Text.optional(), why: Why }),
  )
  .meta({ id: 'fact', besides: 'from' });
const FactPlaces = z
  .preprocess(withFrom, strict({ from: Places, why: Why }))
  .meta({ id: 'places', besides: 'from' });
export const Replica = LabelNames;

// --- hold, flap, correlate --------------------------------------------------------------------

export const Hold = strict({ ...matching, for: Duration, why: Why });

export const Flap = strict({
  ...matching,
  off: Flag,
  halfLife: Duration.optional(),
  suppress: z.number().min(100).max(1_000_000).optional(),
  reuse: z.number().min(1).max(1_000_000).optional(),
  quietFor: Duration.optional(),
  maxSuppress: Duration.optional(),
  sustained: Duration.optional(),
  why: Why,
});

const Chronic = strict({
  ...matching,
  off: Flag,
  firedFor: Duration.optional(),
  why: Why,
});

const Correlate = strict({
  ...matching,
  off: Flag,
  by: LabelNames.optional(),
  window: Duration.optional(),
  span: Duration.optional(),
  maxHops: z.int().min(0).max(5).optional(),
  silent: z.int().min(0).max(4).optional(),
  why: Why,
});

const Transactions = strict({
  ttl: Duration.optional(),
  alertsMax: z.int().min(2).max(10_000).optional(),
  servicesMax: z.int().min(1).max(1_000).optional(),
  why: Why,
});
const Hubs = strict({ callers: z.int().min(1).max(100_000), why: Why });

// --- time -------------------------------------------------------------------------------------

const DayTimes = strict({
  start_time: Clock.optional(),
  end_time: Clock.optional(),
  startTime: Clock.optional(),
  endTime: Clock.optional(),
});
const Ranges = oneOrMany(z.union([z.string(), z.number()]).transform(String));
const intervalParts = {
  times: oneOrMany(DayTimes).optional(),
  weekdays: Ranges.optional(),
  days_of_month: Ranges.optional(),
  daysOfMonth: Ranges.optional(),
  months: Ranges.optional(),
  years: Ranges.optional(),
  location: Zone.optional(),
};
export const IntervalParts = strict(intervalParts).meta({ id: 'interval' });
const TimeInterval = strict({
  name: Text,
  ...intervalParts,
  intervals: oneOrMany(IntervalParts).optional(),
  time_intervals: oneOrMany(IntervalParts).optional(),
  why: Why,
});

const bounds = { startsAt: Moment.optional(), endsAt: Moment.optional() };
export const Silence = strict({ name: Text.optional(), ...matching, ...bounds, why: Why });
const Maintenance = strict({
  name: Text.optional(),
  ...matching,
  every: oneOrMany(IntervalParts).optional(),
  during: oneOrMany(Text).optional(),
  ...bounds,
  why: Why,
});

// --- inhibition -------------------------------------------------------------------------------

const Inhibit = strict({
  name: Text.optional(),
  sourceMatchers: Match.optional(),
  source_matchers: Match.optional(),
  targetMatchers: Match.optional(),
  target_matchers: Match.optional(),
  equal: LabelNames.optional(),
  why: Why,
});

// --- routes -----------------------------------------------------------------------------------

/** `off` mentions nobody: it ends what the route would inherit. */
const Escalate = z
  .preprocess(
    (value) => (value === 'off' ? { after: 0, mention: [] } : value),
    strict({ after: Duration, mention: oneOrMany(Text) }),
  )
  .meta({ besides: { const: 'off' } });
const Names = oneOrMany(Text).optional();

export interface RouteSource {
  readonly match?: string[] | undefined;
  readonly matchers?: string[] | undefined;
  readonly channel?: string | undefined;
  readonly mention?: string[] | undefined;
  readonly urgency?: 'post' | 'thread' | 'digest' | 'drop' | undefined;
  readonly escalate?: { after: number; mention: string[] } | undefined;
  readonly continue?: boolean | undefined;
  readonly activeTimeIntervals?: string[] | undefined;
  readonly active_time_intervals?: string[] | undefined;
  readonly muteTimeIntervals?: string[] | undefined;
  readonly mute_time_intervals?: string[] | undefined;
  readonly routes?: readonly RouteSource[] | undefined;
  readonly why?: string | undefined;
}

const Route: z.ZodType<RouteSource> = z
  .lazy(() =>
    strict({
      ...matching,
      channel: RouteChannel.optional(),
      mention: oneOrMany(Text).optional(),
      urgency: z.enum(['post', 'thread', 'digest', 'drop']).optional(),
      escalate: Escalate.optional(),
      continue: Flag,
      activeTimeIntervals: Names,
      active_time_intervals: Names,
      muteTimeIntervals: Names,
      mute_time_intervals: Names,
      routes: z.array(Route).max(SHAPE['rules-list']).optional(),
      why: Why,
    }),
  )
  .meta({ id: 'route' });

// --- the life of an incident and the rest -----------------------------------------------------

const IncidentLife = strict({
  reopenWithin: Duration.optional(),
  verifySolved: Duration.optional(),
  snooze: Duration.optional(),
  refresh: Duration.optional(),
  replyEvery: Duration.optional(),
  resolveTimeout: DurationOrNever.optional(),
  why: Why,
});
export const Storm = strict({
  off: Flag,
  perMinute: z.number().min(1).max(100_000).optional(),
  calm: Duration.optional(),
  why: Why,
});
export const Heartbeat = strict({
  name: Text,
  ...matching,
  missingAfter: Duration.optional(),
  expected: Flag,
  channel: Channel.optional(),
  why: Why,
});
export const Digest = strict({
  at: oneOrMany(Clock).optional(),
  location: Zone.optional(),
  why: Why,
});

export const Reactions = strict({
  acknowledge: oneOrMany(Emoji).optional(),
  solved: oneOrMany(Emoji).optional(),
  snooze: oneOrMany(Emoji).optional(),
  'not-actionable': oneOrMany(Emoji).optional(),
  why: Why,
});
const Links = strict({
  logs: Link.optional(),
  dashboard: Link.optional(),
  silence: Link.optional(),
  why: Why,
});

const Paths = oneOrMany(Path);
const Fields = z.record(Text, Paths);
const Ingest = strict({
  alerts: ListPath.optional(),
  status: strict({
    from: Paths,
    resolved: oneOrMany(Text),
    ignored: oneOrMany(Text).optional(),
  }).optional(),
  startsAt: Paths.optional(),
  endsAt: Paths.optional(),
  generatorURL: Paths.optional(),
  labels: Fields,
  annotations: Fields.optional(),
  why: Why,
});

/** Lists: the entries of all files, in the order of the files' names. */
export const LISTS = {
  services: Service,
  people: Person,
  teams: Team,
  hold: Hold,
  flap: Flap,
  chronic: Chronic,
  correlate: Correlate,
  silences: Silence,
  maintenance: Maintenance,
  inhibit: Inhibit,
  timeIntervals: TimeInterval,
  heartbeats: Heartbeat,
} as const;

/** Stated once, in one file. */
export const SINGLES = {
  name: Fact,
  service: Fact,
  environment: Fact,
  severity: Fact,
  host: Fact,
  transaction: FactPlaces,
  runbook: Fact,
  dashboard: Fact,
  replica: Replica,
  transactions: Transactions,
  hubs: Hubs,
  route: Route,
  incident: IncidentLife,
  storm: Storm,
  digest: Digest,
  reactions: Reactions,
  links: Links,
} as const;

/** Named entries: each name once over all files. */
export const NAMED = { ingest: Ingest } as const;

/** Other spellings of the top-level keys. */
export const SPELLINGS: Readonly<Record<string, keyof typeof LISTS>> = {
  time_intervals: 'timeIntervals',
  inhibit_rules: 'inhibit',
};
