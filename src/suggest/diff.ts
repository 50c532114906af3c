/**
 * The difference between two texts as `patch` and `git apply` take it. Made for edits of a few lines:
 * it finds the shortest way back to where both agree, from one change to the next.
 */

const CONTEXT = 3;
/** Lines that one change may insert or remove. */
const CHANGE_MAX = 2_000;

type Line = readonly [mark: ' ' | '-' | '+', text: string];

/** `before` undefined: the file is new. Paths as they stand after `a/` and `b/`. Empty when nothing differs. */
export function unifiedDiff(path: string, before: string | undefined, after: string): string {
  const marked = compareLines(linesOf(before ?? ''), linesOf(after));
  const hunks = hunksOf(marked);
  if (hunks.length === 0) return '';
  const from = before === undefined ? '/dev/null' : `a/${path}`;
  const head = before === undefined ? `diff --git a/${path} b/${path}\nnew file mode 100644\n` : '';
  return `${head}--- ${from}\n+++ b/${path}\n${hunks.join('')}`;
}

/** Each line with its line break; the last one may have none. */
function linesOf(text: string): readonly string[] {
  return text === '' ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

function compareLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const same = before[i];
    if (same !== undefined && same === after[j]) {
      lines.push([' ', same]);
      i++;
      j++;
      continue;
    }
    const [removed, added] = nextAgreement(before, after, i, j);
    for (const text of before.slice(i, i + removed)) lines.push(['-', text]);
    for (const text of after.slice(j, j + added)) lines.push(['+', text]);
    i += removed;
    j += added;
  }
  return lines;
}

/** How many lines to remove and to add until both go on alike. */
function nextAgreement(
  before: readonly string[],
  after: readonly string[],
  i: number,
  j: number,
): readonly [number, number] {
  for (let distance = 1; distance <= CHANGE_MAX; distance++) {
    for (let removed = 0; removed <= distance; removed++) {
      const added = distance - removed;
      if (agree(before, after, i + removed, j + added)) return [removed, added];
    }
  }
  return [before.length - i, after.length - j];
}

/** Two lines, because single ones are often alike; or both ends. */
function agree(before: readonly string[], after: readonly string[], i: number, j: number): boolean {
  if (i > before.length || j > after.length) return false;
  return before[i] === after[j] && before[i + 1] === after[j + 1];
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const hunks: string[] = [];
  let from = 0;
  for (;;) {
    const first = lines.findIndex(([mark], index) => index >= from && mark !== ' ');
    if (first < 0) return hunks;
    let last = first;
    for (let index = first; index < lines.length && index <= last + 2 * CONTEXT; index++) {
      if (lines[index]?.[0] !== ' ') last = index;
    }
    const start = Math.max(from, first - CONTEXT);
    const end = Math.min(lines.length, last + CONTEXT + 1);
    hunks.push(hunk(lines, start, end));
    from = end;
  }
}

function hunk(lines: readonly Line[], start: number, end: number): string {
  const shown = lines.slice(start, end);
  const place = (mark: '-' | '+') => {
    const other = mark === '-' ? '+' : '-';
    const above = lines.slice(0, start).filter(([own]) => own !== other).length;
    const length = shown.filter(([own]) => own !== other).length;
    return `${mark}${length === 0 ? above : above + 1},${length}`;
  };
  return `@@ ${place('-')} ${place('+')} @@\n${shown.map(inHunk).join('')}`;
}

function inHunk([mark, text]: Line): string {
  return text.endsWith('\n') ? mark + text : `${mark}${text}\n\\ No newline at end of file\n`;
}
