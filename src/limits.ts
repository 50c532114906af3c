/**
 * Every limit on what comes from outside, by name.
 *
 * An error about one ends in `(limit NAME)`, so whoever reads it finds the limit in docs/operations.md,
 * and `quell_limit_reached_total` counts it. Nothing is cut without a word.
 */
/** Capacity: what QUELL_LIMITS may change. Bytes for those in `IN_BYTES`, else a number of them. */
export const CAPACITY = {
  /** Bytes of one request, also after inflating. */
  body: 10 * 1024 * 1024,
  /** Bytes of all requests that are being read or decided. */
  bodies: 256 * 1024 * 1024,
  /** Requests that are being answered. */
  requests: 2_000,
  /** Open connections; one more is closed at once. */
  connections: 10_000,
  /** Events that wait to be decided. */
  waiting: 50_000,
  /** Alerts in memory. The oldest resolved ones go first; when all fire, a new one is refused. */
  'open-alerts': 200_000,
  /** What alerts in memory weigh, about, in bytes: see weight.ts. The same happens. */
  'alert-bytes': 1024 * 1024 * 1024,
  /** Bytes of decisions and closed incidents that are kept, of each lane: the oldest go, however young. */
  history: 4 * 1024 * 1024 * 1024,
  /** Bytes of what came in, kept for rehearsals: the oldest days go, and of one day half of it is kept. */
  recorded: 4 * 1024 * 1024 * 1024,
} as const;

export const IN_BYTES: ReadonlySet<CapacityName> = new Set([
  'body',
  'bodies',
  'alert-bytes',
  'history',
  'recorded',
]);

/** The shape of requests, alerts and rules: the same for everybody, so that a recording means the same everywhere. */
export const SHAPE = {
  /** JSON values in one request; an object or an array counts as four. */
  values: 600_000,
  /** Different names of labels and other fields in one request: see counts.ts. */
  names: 10_000,
  /** Alerts in one request. */
  alerts: 10_000,
  /** Labels of one alert. */
  labels: 128,
  /** Annotations of one alert. */
  annotations: 128,
  /** Characters of the name of a label or an annotation. */
  'label-name': 512,
  'label-value': 8_192,
  'annotation-value': 65_536,
  /** Characters of all labels of an alert, with their names; and as many of all annotations. */
  'alert-text': 131_072,
  /** Bytes of an event of Slack. */
  'slack-event': 1024 * 1024,
  /** Requests of one connection that are being answered, where a client does not wait for answers. */
  pipelined: 64,
  /** That are not over. Each is asked about every alert that begins to fire. */
  silences: 1_000,
  /** Milliseconds for the headers, and for the whole request. */
  'headers-time': 15_000,
  'request-time': 60_000,
  /** Milliseconds for the client to take the answer, and between two parts of one that is long. */
  'answer-time': 60_000,
  /** Of services in all files of rules. */
  services: 20_000,
  'rules-files': 500,
  /** Bytes of all files of rules: a service that reads them anew stands still meanwhile. */
  'rules-bytes': 4 * 1024 * 1024,
  /** Bytes of one file of rules. */
  'rules-file': 2 * 1024 * 1024,
  /** Entries of a list in a file of rules. */
  'rules-list': 5_000,
} as const;

/** What fills up: `quell_limit_used` says how far. The others are of one request, or of one entry. */
export const FILLING = [
  'bodies',
  'requests',
  'connections',
  'waiting',
  'open-alerts',
  'alert-bytes',
  'history',
  'recorded',
  'silences',
  'services',
  'rules-files',
  'rules-bytes',
] as const satisfies readonly LimitName[];

export type CapacityName = keyof typeof CAPACITY;
export type LimitName = CapacityName | keyof typeof SHAPE;
export type FillingName = (typeof FILLING)[number];
export type Capacity = Readonly<Record<CapacityName, number>>;

/** For the alerts in memory: when it is used up, the oldest resolved ones go for each new one. */
export type Room = Pick<Capacity, 'open-alerts' | 'alert-bytes'>;
export const NO_BOUNDS: Room = { 'open-alerts': Infinity, 'alert-bytes': Infinity };

// Object.keys forgets what the keys are.
export const CAPACITY_NAMES = Object.keys(CAPACITY) as readonly CapacityName[];
export const LIMIT_NAMES: readonly LimitName[] = [
  ...CAPACITY_NAMES,
  ...(Object.keys(SHAPE) as readonly (keyof typeof SHAPE)[]),
];

/** An error with the name of its limit at the end, where nothing that came from outside can stand. */
export function over(limit: LimitName, error: string): string {
  return `${error} (limit ${limit})`;
}

/** The limit that an error made by `over` names. */
export function limitNamed(error: string): LimitName | undefined {
  const [, name] = /\(limit ([a-z-]+)\)$/.exec(error) ?? [];
  return LIMIT_NAMES.find((known) => known === name);
}
