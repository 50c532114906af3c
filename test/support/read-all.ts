/** All pages of a list of the read API. */
import type { Quell } from './quell-process.ts';

export async function listAll<T>(quell: Quell, path: string, limit = 1_000): Promise<readonly T[]> {
  const items: T[] = [];
  const first = `${path}${path.includes('?') ? '&' : '?'}limit=${limit}`;
  for (let cursor = ''; ; ) {
    const next = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    // The read API's shape: docs/api.md.
    const page = (await quell.get(`${first}${next}`)) as {
      readonly items: readonly T[];
      readonly next: string | null;
    };
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}
