import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayHaveLarge, withDigits } from '../../src/ingest/digits.ts';
import { readLine } from '../../src/ingest/recording.ts';
import { NO_MAPPINGS, parseBytes } from '../../src/ingest/sources.ts';
import { rulesOf } from '../support/story.ts';

const ONE = '9007199254740993';
const BODY = `{"title":"OrderStuck","service":"orders","status":"firing","transaction":${ONE},
  "labels":{"order":-123456789012345678901,"note":"id: 9007199254740993 \\"","ratio":0.12345678901234567}}`;

function labelsOf(read: ReturnType<typeof parseBytes>): unknown {
  if (read.kind !== 'parsed') throw new Error(read.error);
  const [event] = read.events;
  return event?.kind === 'alert' ? event.alert.labels : undefined;
}

const EXPECTED = {
  transaction_id: ONE,
  order: '-123456789012345678901',
  note: 'id: 9007199254740993 "',
  ratio: '0.12345678901234566',
};

test('an ID that no number can hold keeps its digits', () => {
  const context = { source: 'generic', delivery: 'd', at: 0 };
  const read = parseBytes(Buffer.from(BODY), context, NO_MAPPINGS);
  expect(labelsOf(read)).toMatchObject(EXPECTED);
});

test('also when it is read from a recording', () => {
  const line = `{"at":"2026-01-01T00:00:00.000Z","source":"generic","body":${BODY.replaceAll('\n', '')}}`;
  const read = readLine(line, 1);
  if (read?.kind !== 'delivery') throw new Error('no delivery');
  expect(read.body).toMatchObject({ transaction: ONE, labels: { order: EXPECTED.order } });
});

test.each(['alertmanager', 'grafana', 'prometheus'])(
  'also where a mapping has the name of a source that is built in: %s',
  (source) => {
    const { mappings } = rulesOf(`ingest: { ${source}: { labels: { order: order.id } } }`);
    const body = `{"order":{"id":${ONE}}}`;
    const read = parseBytes(Buffer.from(body), { source, delivery: 'd', at: 0 }, mappings);
    expect(labelsOf(read)).toEqual({ order: ONE });
    const line = `{"at":"2026-01-01T00:00:00.000Z","source":"${source}","body":${body}}`;
    expect(readLine(line, 1)).toMatchObject({ body: { order: { id: ONE } } });
  },
);

test('sixteen digits in a row are found wherever they stand', () => {
  const piece = fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^\d{14,18}$/));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('');
      expect(mayHaveLarge(text)).toBe(/\d{16}/.test(text));
    }),
  );
});

test('all else is as it was, and what is no JSON does not become one', () => {
  const large = fc.bigInt(2n ** 53n, 2n ** 80n).map(String);
  const small = fc.json().filter((json) => !/\d{16}/.test(json));
  fc.assert(
    fc.property(small, large, fc.nat(), (json, digits, at) => {
      expect(withDigits(json)).toBe(json);
      const whole = `[${json},${digits},{"-":-${digits}},"${digits} \\" ${digits}"]`;
      expect(JSON.parse(withDigits(whole))).toEqual([
        JSON.parse(json),
        digits,
        { '-': `-${digits}` },
        `${digits} " ${digits}`,
      ]);
      const cut = whole.slice(0, at % whole.length);
      expect(isJson(withDigits(cut))).toBe(isJson(cut));
    }),
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
