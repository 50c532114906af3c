import { expect, test } from 'vitest';
import {
  type Batch,
  createPacker,
  createUnpacker,
  type ReadDelivery,
  type ReadLine,
} from '../../src/ingest/packed.ts';
import type { ReceivedAlert } from '../../src/model.ts';

const AT = Date.parse('2026-01-01T00:00:00Z');
const PATH = 'a.jsonl';

function alert(changes: Partial<ReceivedAlert> = {}): ReceivedAlert {
  return {
    source: 'alertmanager',
    status: 'firing',
    labels: { alertname: 'Down', __proto__x: 'y' },
    annotations: { summary: 'it is down' },
    startsAt: AT,
    endsAt: undefined,
    generatorURL: 'http://prometheus/graph',
    ...changes,
  };
}

function delivery(line: number, ...alerts: readonly ReceivedAlert[]): ReadDelivery {
  const events = alerts.map((one) => ({
    kind: 'alert' as const,
    delivery: `${PATH}:${line}`,
    alert: one,
  }));
  return { kind: 'alerts', line, at: AT + line, events };
}

interface Crossed {
  readonly lines: readonly ReadLine[];
  readonly places: readonly string[];
  readonly batches: readonly Batch[];
}

/** Each group of lines is a batch, and crosses as it does between threads. */
function crossed(groups: readonly (readonly ReadLine[])[]): Crossed {
  const packer = createPacker(() => undefined);
  const unpack = createUnpacker();
  const lines: ReadLine[] = [];
  const places: string[] = [];
  const batches = groups.map((group) => {
    for (const line of group) packer.add(line, PATH);
    return structuredClone(packer.take());
  });
  for (const batch of batches)
    unpack(batch, (line, place) => {
      lines.push(line);
      places.push(place);
    });
  return { lines, places, batches };
}

test('every line crosses as it is, in order, and under its place', () => {
  const ended = alert({ status: 'resolved', endsAt: AT + 5 });
  const undated = alert({ undated: true, generatorURL: undefined, labels: { alertname: 'Full' } });
  const odd: ReadLine = {
    kind: 'alerts',
    line: 4,
    at: AT,
    events: [
      { kind: 'odd', delivery: `${PATH}:4`, source: 'generic', error: 'labels', excerpt: '5' },
      { kind: 'alert', delivery: `${PATH}:4`, alert: alert() },
    ],
  };
  const groups: ReadLine[][] = [
    [
      delivery(1, alert(), ended),
      { kind: 'bad', line: 2, error: 'no JSON' },
      delivery(3, undated),
      odd,
    ],
    [delivery(5), delivery(6, ended, undated, alert({ source: 'prometheus', endsAt: AT + 9 }))],
    [],
    [{ kind: 'delivery', line: 9, at: AT, source: 'mapped', body: { a: [1] } }],
  ];
  const { lines, places } = crossed(groups);
  expect(lines).toEqual(groups.flat());
  expect(places).toEqual([1, 2, 3, 4, 5, 6, 9].map((line) => `${PATH}:${line}`));
});

test('what an alert says of itself crosses once, whatever becomes of it', () => {
  const { batches } = crossed([
    [delivery(1, alert())],
    [delivery(2, alert({ status: 'resolved', startsAt: AT + 1, endsAt: AT + 2 }))],
  ]);
  expect(batches.map(({ words }) => words.length)).toEqual([1, 0]);
});

test('when too many words are known, both sides forget them all', () => {
  const groups = Array.from({ length: 50 }, (_, group) =>
    Array.from({ length: 500 }, (__, index) =>
      delivery(group * 500 + index, alert({ labels: { alertname: `A${group}-${index}` } })),
    ),
  );
  const again = groups.slice(-1);
  const { lines, batches } = crossed([...groups, ...again]);
  expect(lines).toEqual([...groups, ...again].flat());
  expect(batches.slice(1).some(({ wordsFrom }) => wordsFrom === 0)).toBe(true);
});
