/**
 * What the platform's monitoring looks at, and how bad it says that a finding is.
 *
 * System checks run on each host of a service, functional checks on the service as a whole. The
 * severity follows the service's tier, as rule authors do it, except for what is merely a symptom of
 * load.
 */

export const LEVELS = ['critical', 'high', 'warning', 'info'] as const;
export type Level = (typeof LEVELS)[number];

export interface Check {
  readonly name: string;
  readonly kind: 'system' | 'functional';
  /** `outage` follows the tier; `load` is a warning at most; `upkeep` is chronic by nature. */
  readonly nature: 'outage' | 'load' | 'upkeep';
  readonly summary: string;
}

function system(name: string, nature: Check['nature'], summary: string): Check {
  return { name, kind: 'system', nature, summary };
}
function functional(name: string, nature: Check['nature'], summary: string): Check {
  return { name, kind: 'functional', nature, summary };
}

export const SYSTEM_CHECKS: readonly Check[] = [
  system('TargetDown', 'outage', '{service} on {host} does not answer its health check'),
  system('ProcessRestarting', 'outage', '{service} on {host} restarted 3 times in 10 minutes'),
  system('HighCpu', 'load', 'CPU of {service} on {host} is above 90 %'),
  system('HighLoad', 'load', 'Load of {host} is above 8 per core'),
  system('HighMemory', 'load', '{service} on {host} uses 92 % of its memory'),
  system('GcPauseLong', 'load', '{service} on {host} pauses for garbage collection for over 1 s'),
  system('ThreadPoolExhausted', 'load', 'No free worker threads in {service} on {host}'),
  system('ConnectionPoolExhausted', 'outage', 'No free connections in {service} on {host}'),
  system('TooManyOpenFiles', 'load', '{service} on {host} has 95 % of its file handles open'),
  system('LogErrorsHigh', 'load', '{service} on {host} logs over 10 errors a second'),
  system('NetworkErrors', 'load', 'Packets from {host} are lost'),
  system('SlowQueries', 'load', 'Queries of {service} on {host} take over 2 s'),
  system('ReplicationLag', 'load', '{service} on {host} lags behind by 40 s'),
  system('QueueGrowing', 'load', 'The queue of {service} on {host} grows'),
  system('DiskFillingUp', 'upkeep', 'The disk of {host} will be full in 4 days'),
  system('DiskFull', 'outage', 'The disk of {service} on {host} is full'),
  system('InodesLow', 'upkeep', '{host} has 8 % of its inodes left'),
  system('CertificateExpires', 'upkeep', 'A certificate of {service} expires in 20 days'),
  system('BackupMissing', 'upkeep', 'The last backup of {service} is 30 hours old'),
  system('ClockSkew', 'upkeep', 'The clock of {host} is off by 0.4 s'),
];

export const FUNCTIONAL_CHECKS: readonly Check[] = [
  functional('HighErrorRate', 'outage', '{service} answers 12 % of its requests with an error'),
  functional('HighLatency', 'load', '{service} takes 4.2 s for 5 % of its requests'),
  functional('SyntheticCheckFailing', 'outage', 'The synthetic check of {service} fails'),
  functional('TransactionFailed', 'outage', '{service} could not complete a transaction'),
  functional('DependencyTimeout', 'load', '{service} waits too long for what it calls'),
  functional('DataStale', 'load', 'Data of {service} is 20 minutes old'),
  functional('ThroughputLow', 'load', '{service} handles 60 % fewer requests than last week'),
];

const ALL: ReadonlyMap<string, Check> = new Map(
  [...SYSTEM_CHECKS, ...FUNCTIONAL_CHECKS].map((check) => [check.name, check]),
);

export function check(name: string): Check {
  const found = ALL.get(name);
  if (found === undefined) throw new RangeError(`no check "${name}"`);
  return found;
}

/** Of an alert that belongs to a real failure. `grave`: users notice. */
export function levelInFailure({ nature }: Check, tier: number, grave: boolean): Level {
  if (nature === 'upkeep') return 'info';
  if (nature === 'load') return 'warning';
  if (!grave) return tier === 1 ? 'high' : 'warning';
  if (tier === 1) return 'critical';
  return tier === 2 ? 'high' : 'warning';
}

/** What breaks: the checks that find it on the failing service itself, the plainest one first. */
export const FAULTS: readonly { readonly name: string; readonly own: readonly string[] }[] = [
  { name: 'down', own: ['TargetDown', 'ProcessRestarting', 'SyntheticCheckFailing'] },
  { name: 'connections', own: ['ConnectionPoolExhausted', 'SlowQueries', 'HighErrorRate'] },
  { name: 'saturated', own: ['HighErrorRate', 'HighCpu', 'ThreadPoolExhausted', 'HighLatency'] },
  { name: 'memory', own: ['ProcessRestarting', 'HighMemory', 'GcPauseLong', 'HighErrorRate'] },
  { name: 'release', own: ['HighErrorRate', 'LogErrorsHigh', 'SyntheticCheckFailing'] },
  { name: 'disk', own: ['DiskFull', 'HighErrorRate', 'ReplicationLag', 'LogErrorsHigh'] },
  { name: 'backlog', own: ['QueueGrowing', 'DataStale', 'ThroughputLow', 'HighErrorRate'] },
];

/** How callers feel the failure of what they call. */
export const SYMPTOMS = [
  'HighErrorRate',
  'HighLatency',
  'DependencyTimeout',
  'SyntheticCheckFailing',
  'ThreadPoolExhausted',
  'ConnectionPoolExhausted',
  'LogErrorsHigh',
] as const;

/** What fires for a minute or three and goes by itself. */
export const BLIPS = {
  system: [
    'HighCpu',
    'HighLoad',
    'HighMemory',
    'GcPauseLong',
    'LogErrorsHigh',
    'NetworkErrors',
    'SlowQueries',
    'ReplicationLag',
    'QueueGrowing',
    'TargetDown',
  ],
  functional: [
    'HighLatency',
    'HighErrorRate',
    'DependencyTimeout',
    'ThroughputLow',
    'SyntheticCheckFailing',
    'TransactionFailed',
  ],
} as const;
