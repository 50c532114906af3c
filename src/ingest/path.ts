/**
 * Paths into what a tool sent: `data.check.name`, `items[0].id`, `tags[name=env].value`, `["key.with.dots"]`.
 *
 * They reach own properties only. A text that holds JSON is read as what it holds: some tools put their
 * message into another one as a text.
 */
import { readJsonOf } from './digits.ts';
import { stringified } from './loose.ts';

/** Of an entry of a list: the first whose `name` has this value. */
interface Pick {
  readonly name: string;
  readonly value: string;
}

type Step = string | Pick;

/** Longer texts are not read as JSON: a message of Amazon SNS has at most 256 kB. */
const INNER_MAX = 262_144;

/** Reads paths; remembers the texts that were opened, so it is made anew for each alert. */
export function createWalk(): (value: unknown, path: string) => unknown {
  const opened = new Map<string, unknown>();
  const open = (text: string): unknown => {
    if (!opened.has(text)) opened.set(text, inner(text));
    return opened.get(text);
  };
  return (value, path) => {
    let here = value;
    for (const step of stepsOf(path)) {
      const at = typeof here === 'string' ? open(here) : here;
      here = typeof step === 'string' ? own(at, step) : picked(at, step);
    }
    return here;
  };
}

function inner(text: string): unknown {
  if (text.length > INNER_MAX || !/^\s*[{[]/.test(text)) return undefined;
  const json = readJsonOf(text);
  return json.kind === 'bad' ? undefined : json.value;
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  // An object with that key of its own.
  return (value as Record<string, unknown>)[name];
}

function picked(list: unknown, { name, value }: Pick): unknown {
  if (!Array.isArray(list)) return undefined;
  return list.find((entry: unknown) => stringified(own(entry, name)) === value);
}

const STEP = /\["([^"]*)"\]|\[([^[\]=]+)=([^[\]]*)\]|\[(\d+)\]|([^.[\]]+)/g;
const STEPS_KEPT_MAX = 1_000;
const stepsKept = new Map<string, readonly Step[]>();

/** Paths come from the rules, so there are few of them; they are split once. */
function stepsOf(path: string): readonly Step[] {
  const kept = stepsKept.get(path);
  if (kept !== undefined) return kept;
  const steps: Step[] = [];
  for (const [, quoted, name, value, index, plain] of path.matchAll(STEP)) {
    if (name !== undefined && value !== undefined) steps.push({ name, value });
    else steps.push(quoted ?? index ?? plain ?? '');
  }
  if (stepsKept.size >= STEPS_KEPT_MAX) stepsKept.clear();
  stepsKept.set(path, steps);
  return steps;
}
