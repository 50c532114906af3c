/**
 * Rules made of an Alertmanager configuration: its routes with the channels of their Slack receivers,
 * its time intervals, its inhibit rules; and a note for everything that cannot be carried over.
 */
import { stringify } from 'yaml';
import { compileRules } from '../rules/compile.ts';
import type { Diagnostic } from '../rules/files/diagnostics.ts';
import { readSource } from '../rules/files/read-source.ts';
import type { RulesFile } from '../rules/files/source-file.ts';
import { inhibitFile, readInhibitions } from './inhibit.ts';
import { createNotes, isRecord, type Note, type Notes, textOf, textsOf } from './notes.ts';
import { readReceivers } from './receivers.ts';
import { type ImportedRoute, readRoot, routeLines } from './routes.ts';

type Imported =
  | {
      readonly kind: 'imported';
      readonly files: readonly RulesFile[];
      readonly notes: readonly Note[];
    }
  /** It is no YAML, or nothing of it is a configuration of Alertmanager. */
  | { readonly kind: 'refused'; readonly notes: readonly Note[] };

/** `head` stands before what is written into each file. */
export function importAlertmanager(file: RulesFile, head = ''): Imported {
  const read = readSource(file, '"route:" and "receivers:"');
  if (read.kind === 'refused') return { kind: 'refused', notes: read.errors.map(noteOf) };
  if (read.kind === 'empty' || !isRecord(read.data['route'])) {
    const wrapped =
      read.kind === 'data' && ('apiVersion' in read.data || 'alertmanager' in read.data);
    const hint = wrapped ? ' Take the alertmanager.yml that is within it.' : '';
    const message = `no route: is this the configuration of an Alertmanager?${hint}`;
    return { kind: 'refused', notes: [{ file: file.name, line: 1, message }] };
  }
  const { data, source } = read;
  const notes = createNotes(source);
  const receivers = readReceivers(data['receivers'], notes);
  const intervals = readIntervals(data, notes);
  const names = new Set(intervals.map(({ name }) => name));
  const root = readRoot(data['route'], { receivers, intervals: names, notes });
  const inhibitions = readInhibitions(data['inhibit_rules'], notes);
  noteTheRest(data, notes);
  const files = [
    ...(root === undefined ? [] : [routesFile(root, file.name)]),
    ...(intervals.length === 0 ? [] : [intervalsFile(intervals)]),
    ...(inhibitions.length === 0 ? [] : [inhibitFile(inhibitions, file.name)]),
  ].map(({ name, text }): RulesFile => ({ name, text: head + text }));
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
# state. Time intervals are not inherited.
#
# Without an "urgency" what is only information, and what comes from test environments, waits for the
# daily digest; "urgency: post" gives it a message of its own.
route:
${routeLines(root, from, '  ').join('\n')}
`;
  return { name: 'routes.yaml', text };
}

interface NamedInterval {
  readonly name: string;
}

/** Those that Quell understands, under either of Alertmanager's keys. */
function readIntervals(
  data: Readonly<Record<string, unknown>>,
  notes: Notes,
): readonly NamedInterval[] {
  const found = new Map<string, NamedInterval>();
  for (const key of ['time_intervals', 'mute_time_intervals']) {
    const list = data[key];
    if (list === undefined || list === null) continue;
    if (!Array.isArray(list)) notes.add([key], `"${key}" is no list: left out`);
    const entries: readonly unknown[] = Array.isArray(list) ? list : [];
    for (const [index, entry] of entries.entries()) {
      const read = readInterval(entry, found);
      if (typeof read === 'object') found.set(read.name, read);
      else notes.add([key, index], `a time interval is left out: ${read}`);
    }
  }
  return [...found.values()];
}

/** A text says why not. */
function readInterval(
  entry: unknown,
  before: ReadonlyMap<string, NamedInterval>,
): NamedInterval | string {
  const name = isRecord(entry) ? textOf(entry['name']) : undefined;
  if (!isRecord(entry) || name === undefined) return 'it has no name';
  if (before.has(name)) return `"${name}" stands twice`;
  const interval = { ...entry, name };
  const result = compileRules([intervalsFile([interval])]);
  const [error] = result.kind === 'refused' ? result.errors : [];
  return error === undefined ? interval : noteOf(error).message;
}

function intervalsFile(timeIntervals: readonly object[]): RulesFile {
  const head = "# intervals.yaml - named times that routes refer to, in Alertmanager's notation.\n";
  return { name: 'intervals.yaml', text: head + stringify({ timeIntervals }, QUOTED) };
}

/** So that 22:00 is a text for every reader of YAML. */
const QUOTED = { defaultStringType: 'QUOTE_SINGLE', defaultKeyType: 'PLAIN' } as const;

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
  if (textsOf(data['templates']).length > 0) {
    notes.add(['templates'], 'templates are not carried over: Quell writes the message itself');
  }
  if (isRecord(data['global'])) {
    const keys = Object.keys(data['global']).filter((key) => key !== 'resolve_timeout');
    if (data['global']['resolve_timeout'] !== undefined) {
      notes.add(
        ['global', 'resolve_timeout'],
        'resolve_timeout is not carried over: Alertmanager goes on to apply it, and Quell hears from Alertmanager what is resolved',
      );
    }
    const [slack] = keys.filter((key) => key.startsWith('slack_'));
    if (slack !== undefined) {
      notes.add(
        ['global', slack],
        'Quell posts as a Slack app: set SLACK_BOT_TOKEN (docs/slack.md), the webhook address is not needed',
      );
    }
    const rest = keys.filter((key) => !key.startsWith('slack_'));
    if (rest[0] !== undefined)
      notes.add(['global', rest[0]], `not needed here: ${rest.join(', ')}`);
  }
  for (const key of Object.keys(data)) {
    if (!KNOWN.includes(key)) notes.add([key], `"${key}" is nothing that Quell knows: left out`);
  }
}
