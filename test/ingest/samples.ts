/**
 * Bodies that a real Prometheus 2.42 and Alertmanager 0.25 sent, byte for byte, with when they came.
 */
import { readdirSync, readFileSync } from 'node:fs';

export type SampleKind = 'alertmanager' | 'prometheus';

export interface Sample {
  readonly file: string;
  readonly at: number;
  readonly bytes: Buffer;
  readonly body: unknown;
  /** What `index.json` says that it holds. */
  readonly alerts: number;
  readonly resolved: number;
  readonly truncated: number;
}

interface IndexEntry {
  readonly file: string;
  readonly capturedAt: string;
  readonly alerts: number;
  readonly resolved: number;
  readonly truncatedAlerts?: number;
}

const DIR = new URL('../samples/', import.meta.url);

export function samplesOf(kind: SampleKind): readonly Sample[] {
  const dir = new URL(`${kind}/`, DIR);
  // Written by us, beside the samples.
  const index = JSON.parse(readFileSync(new URL('index.json', dir), 'utf8')) as IndexEntry[];
  const files = readdirSync(dir).filter((name) => name.endsWith('.json') && name !== 'index.json');
  if (files.length !== index.length)
    throw new Error(`index.json of ${kind} does not name every file`);
  return index.map(({ file, capturedAt, alerts, resolved, truncatedAlerts = 0 }) => {
    const bytes = readFileSync(new URL(file, dir));
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    return {
      file,
      at: Date.parse(capturedAt),
      bytes,
      body,
      alerts,
      resolved,
      truncated: truncatedAlerts,
    };
  });
}

export function sampleOf(kind: SampleKind, file: string): Sample {
  const found = samplesOf(kind).find((sample) => sample.file === file);
  if (found === undefined) throw new Error(`no sample ${kind}/${file}`);
  return found;
}

/** Every body of a captured sequence, in order. */
export function sequenceOf(
  kind: SampleKind,
): readonly { readonly at: number; readonly body: unknown }[] {
  const file = kind === 'alertmanager' ? 'sequence-default-receiver.jsonl' : 'sequence.jsonl';
  const lines = readFileSync(new URL(`${kind}/${file}`, DIR), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    // Written by us.
    const { at, body } = JSON.parse(line) as { at: string; body: unknown };
    return { at: Date.parse(at), body };
  });
}
