/**
 * Rules made of an Alertmanager configuration: its routes with the channels of their Slack receivers,
 * its time intervals, its resolve timeout; and a note for everything that cannot be carried over.
 */
import { stringify } from 'yaml';
import { compileRules } from '../rules/compile.ts';
import type { Diagnostic } from '../rules/diagnostics.ts';
import { parseDuration } from '../rules/duration.ts';
import { readSource } from '../rules/read-source.ts';
import type { RulesFile } from '../rules/source-file.ts';
import { createNotes, isRecord, type Note, type Notes, textsOf } from './notes.ts';
import { readReceivers } from './receivers.ts';
import { type ImportedRoute, readRoute, routeLines } from './routes.ts';

export type Imported =
  | {
      readonly kind: 'imported';
      readonly files: readonly RulesFile[];
      readonly notes: readonly Note[];
    }
  /** It is no YAML, or nothing of it is a configuration of Alertmanager. */
  | { readonly kind: 'refused'; readonly notes: readonly Note[] };

export function importAlertmanager(file: RulesFile): Imported {
  const read = readSource(file, '"route:" and "receivers:"');
  if (read.kind === 'refused') return { kind: 'refused', notes: read.errors.map(noteOf) };
  if (read.kind === 'empty' || !isRecord(read.data['route'])) {
    const message = 'no route: is this the configuration of an Alertmanager?';
    return { kind: 'refused', notes: [{ file: file.name, line: 1, message }] };
  }
  const { data, source } = read;
  const notes = createNotes(source);
  const receivers = readReceivers(data['receivers'], notes);
  const root = readRoute(data['route'], ['route'], receivers, notes);
  noteTheRest(data, notes);
  const files = [
    ...(root === undefined ? [] : [routesFile(root, file.name)]),
    ...intervalsFile(data),
    ...incidentFile(data, notes),
  ];
  return { kind: 'imported', files, notes: [...notes.all(), ...problemsOf(files)] };
}

function noteOf({ file, line, message, hint }: Diagnostic): Note {
  return { file, line, message: hint === undefined ? message : `${message} (${hint})` };
}

/** Whatever `quell check` would say of the result, odd names in the input included. */
function problemsOf(files: readonly RulesFile[]): readonly Note[] {
  const result = compileRules(files);
  const errors = result.kind === 'refused' ? result.errors : [];
  return [...errors, ...result.warnings].map(noteOf);
}

function routesFile(root: ImportedRoute, from: string): RulesFile {
  const text = `# routes.yaml - who is told, made of ${from} by \`quell import\`.
#
# The same tree: the first child that matches takes the incident, children inherit what they do not
# state. What Alertmanager did with group_by, group_wait, group_interval and repeat_interval Quell does
# by itself: it groups by cause, and updates its message in place.
route:
${routeLines(root, from, '  ').join('\n')}
`;
  return { name: 'routes.yaml', text };
}

function intervalsFile(data: Readonly<Record<string, unknown>>): readonly RulesFile[] {
  const both = [data['time_intervals'], data['mute_time_intervals']];
  const timeIntervals = both.flatMap((value) => (Array.isArray(value) ? value : []));
  if (timeIntervals.length === 0) return [];
  const head = "# intervals.yaml - named times that routes refer to, in Alertmanager's notation.\n";
  return [{ name: 'intervals.yaml', text: head + stringify({ timeIntervals }, QUOTED) }];
}

/** So that 22:00 is a text for every reader of YAML. */
const QUOTED = { defaultStringType: 'QUOTE_SINGLE', defaultKeyType: 'PLAIN' } as const;

function incidentFile(data: Readonly<Record<string, unknown>>, notes: Notes): readonly RulesFile[] {
  const timeout = isRecord(data['global']) ? data['global']['resolve_timeout'] : undefined;
  if (timeout === undefined) return [];
  if (typeof timeout !== 'string' || parseDuration(timeout).kind === 'refused') {
    notes.add(['global', 'resolve_timeout'], 'resolve_timeout is no duration: left out');
    return [];
  }
  const text = `# incident.yaml - the life of an incident.
incident:
  resolveTimeout: ${timeout} # an alert that its source stops mentioning is over after this
`;
  return [{ name: 'incident.yaml', text }];
}

const KNOWN = [
  'route',
  'receivers',
  'time_intervals',
  'mute_time_intervals',
  'global',
  'inhibit_rules',
  'templates',
];

function noteTheRest(data: Readonly<Record<string, unknown>>, notes: Notes): void {
  const inhibit = data['inhibit_rules'];
  if (Array.isArray(inhibit)) {
    for (const [index, rule] of inhibit.entries()) noteInhibition(rule, index, notes);
  }
  if (textsOf(data['templates']).length > 0) {
    notes.add(['templates'], 'templates are not carried over: Quell writes the message itself');
  }
  if (isRecord(data['global'])) {
    const keys = Object.keys(data['global']).filter((key) => key !== 'resolve_timeout');
    const slack = keys.some((key) => key.startsWith('slack_'));
    if (slack) {
      notes.add(
        ['global'],
        'Quell posts as a Slack app: set SLACK_BOT_TOKEN (docs/slack.md), the webhook address is not needed',
      );
    }
    const rest = keys.filter((key) => !key.startsWith('slack_'));
    if (rest.length > 0) notes.add(['global'], `not needed here: ${rest.join(', ')}`);
  }
  for (const key of Object.keys(data)) {
    if (!KNOWN.includes(key)) notes.add([key], `"${key}" is nothing that Quell knows: left out`);
  }
}

const SERVICE_LABELS = ['service', 'app', 'job', 'component', 'deployment', 'kubernetes_name'];

/** Quell hides nothing behind something else: it tells it in the same message. */
function noteInhibition(rule: unknown, index: number, notes: Notes): void {
  const equal = isRecord(rule) ? textsOf(rule['equal']) : [];
  const bySameService = equal.some((label) => SERVICE_LABELS.includes(label));
  const instead = bySameService
    ? 'alerts of one service join one incident by themselves'
    : equal.length > 0
      ? `if they should be one message, say which service depends on which (services.yaml), or group them: correlate: [{ by: [${equal.join(', ')}] }]`
      : 'if they should be one message, say which service depends on which (services.yaml)';
  notes.add(
    ['inhibit_rules', index],
    `an inhibit rule is not carried over, because Quell hides no alert behind another: ${instead}`,
  );
}
