/**
 * The Slack stand-in as a process of its own, for tests that kill the service.
 *
 *     npx tsx test/support/slack-stand-in-main.ts --port 9999 --journal calls.jsonl \
 *       [--drop-answer 0.05] [--drop-before 0.05] [--status-500 0.02] [--rate-limit 0.02] [--seed 7]
 *
 * Writes one JSON line for each call, before it is answered to anybody who waits for it, and prints
 * `{"port":…,"url":…}` once it listens. `GET /messages` lists what stands in Slack.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Fault, startSlackStandIn } from './slack-stand-in.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    journal: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'drop-answer': { type: 'string', default: '0' },
    'drop-before': { type: 'string', default: '0' },
    'status-500': { type: 'string', default: '0' },
    'rate-limit': { type: 'string', default: '0' },
  },
});

const random = mulberry32(Number(values.seed));
const FAULTS: readonly (readonly [number, Fault])[] = [
  [Number(values['drop-answer']), { kind: 'drop-answer' }],
  [Number(values['drop-before']), { kind: 'drop-before' }],
  [Number(values['status-500']), { kind: 'status', status: 500 }],
  [Number(values['rate-limit']), { kind: 'rate-limit', seconds: 1 }],
];

function randomFault(): Fault | undefined {
  let dice = random();
  for (const [rate, fault] of FAULTS) {
    if (dice < rate) return fault;
    dice -= rate;
  }
  return undefined;
}

/** A small seeded generator: the same seed drops the same answers. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const { journal } = values;
const slack = await startSlackStandIn({
  port: Number(values.port),
  fault: randomFault,
  ...(journal === undefined
    ? {}
    : { onCall: (call) => appendFileSync(journal, `${JSON.stringify(call)}\n`) }),
});
process.stdout.write(`${JSON.stringify({ port: slack.port, url: slack.url })}\n`);
process.once('SIGTERM', () => void slack.close());
