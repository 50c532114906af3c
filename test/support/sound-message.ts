/**
 * What must hold for everything that Quell writes to Slack, whatever alerts said: it is no longer than
 * Slack takes, it can be read, and it does nothing but what Quell itself wants.
 */
import { expect } from 'vitest';
import type { RenderedMessage } from '../../src/slack/message.ts';

/** All that Slack reads out of `<…>` in what we write: nothing else may stand in angle brackets. */
const OURS = [
  /^!date\^\d+\^(\{date_short\} )?\{time\}\|(\d\d \w{3} )?\d\d:\d\d UTC$/,
  /^!date\^\d+\^(\{date_short\} )?\{time\} \(\{ago\}\)\|(\d\d \w{3} )?\d\d:\d\d UTC \([^)]+\)$/,
  /^https?:\/\/[^\s<>|"]+\|[^<>|\n]*$/,
  /^@[UW][A-Z0-9]+$/,
];
const CALLS = [/^!(here|channel)$/, /^!subteam\^S[A-Z0-9]+$/];

const LONE_SURROGATE = /\p{Cs}/u;

function texts({ blocks }: RenderedMessage): readonly string[] {
  return blocks.flatMap((block) =>
    block.type === 'section' ? [block.text.text] : block.elements.map((element) => element.text),
  );
}

/** `called`: whom the rules want to be called. */
export function expectSound(rendered: RenderedMessage, called: readonly string[]): void {
  const { text, blocks } = rendered;
  expect(blocks.length).toBeGreaterThan(0);
  expect(blocks.length).toBeLessThanOrEqual(50);
  for (const block of texts(rendered)) {
    expect(block.trim()).not.toBe('');
    expect(block.length).toBeLessThanOrEqual(3_000);
    expect(block).not.toMatch(/&(?!amp;|lt;|gt;)/);
    const controls = [...block.matchAll(/<([^>]*)>/g)].map(([, inner = '']) => inner);
    for (const control of controls) {
      const allowed = called.length > 0 ? [...OURS, ...CALLS] : OURS;
      expect(allowed.some((pattern) => pattern.test(control)) ? '' : control).toBe('');
    }
    expect(block.replace(/<[^>]*>/g, '')).not.toMatch(/[<>`~]/);
  }
  expect(JSON.stringify(blocks)).not.toContain('secret@');
  // The fallback: plain, whole, and with a first line that says something.
  expect(text).not.toMatch(/[<>]/);
  expect(text.length).toBeLessThan(8_000);
  expect(text).not.toMatch(LONE_SURROGATE);
  const [first = ''] = text.split('\n');
  expect(first.trim().length).toBeGreaterThan(3);
  expect(Array.from(first).length).toBeLessThan(700);
}
