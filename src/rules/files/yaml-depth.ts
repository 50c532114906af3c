/**
 * How deep a YAML text nests, told from its tokens before they are parsed. The parser recurses and takes
 * minutes, or all memory, for a text of a hundred thousand opening brackets; the lexer is linear.
 */

/** Brackets within brackets. */
const FLOW_MAX = 40;
/** `- - - -` on one line, each one level deeper. */
const BLOCK_MAX = 20;
/** Each level of a block stands at least one column further right. */
const INDENT_MAX = 400;
/** The lexer puts this before the text of a scalar. */
const SCALAR_MARK = '\u001f';

/** Tokens that stand for no character of the text. */
const MARKS: ReadonlySet<string> = new Set([SCALAR_MARK, '\u0002', '\u0018', '\uFEFF']);
const FLOW_STEPS: ReadonlyMap<string, number> = new Map([
  ['[', 1],
  ['{', 1],
  [']', -1],
  ['}', -1],
]);
const BLOCK_STEPS: ReadonlySet<string> = new Set(['-', '?', ':']);

/** Looks at one token after the other; true as soon as the text is deeper than rules can be. */
export function depthGauge(): (token: string) => boolean {
  let flow = 0;
  let block = 0;
  let before = '\n';
  return (token) => {
    const last = before;
    before = token;
    // Most tokens are texts and blanks, which only end a run of dashes or stand too far right.
    if (token.length > 2) {
      if (last === SCALAR_MARK) block = 0;
      return token.length > INDENT_MAX && isWideIndent(token, last);
    }
    if (isMark(token)) return false;
    // Within brackets a comma begins the next entry beside the one before, not within it.
    if (last === SCALAR_MARK || token === '\n' || token === '\r\n' || token === ',') block = 0;
    else if (BLOCK_STEPS.has(token)) block += 1;
    else flow = Math.max(0, flow + (FLOW_STEPS.get(token) ?? 0));
    return flow > FLOW_MAX || block > BLOCK_MAX;
  };
}

export function isMark(token: string): boolean {
  return token.length === 1 && MARKS.has(token);
}

function isWideIndent(token: string, before: string): boolean {
  return before.endsWith('\n') && token.trim() === '';
}
