/** What fails all over the platform breaks what is next to it, on whichever side. */
import { expect, test } from 'vitest';
import { MINUTE, type Story, tell } from '../support/story.ts';

/** Everybody calls `core`, and each has a store of its own. */
const NAMES = ['cart', 'geo', 'orders', 'prices', 'promo', 'search', 'users'];
const CATALOG = `services:
  - { name: core }
${NAMES.map((name) => `  - { name: ${name}, dependsOn: [core, ${name}-db] }\n  - { name: ${name}-db }`).join('\n')}
`;

function failTogether(story: Story, services: readonly string[]): void {
  for (const service of ['core', ...services])
    story.fire(service, 'HighErrorRate', { severity: 'critical' });
}

test.each([
  ['is part of a message of eight services', NAMES, 8 * MINUTE, 1],
  ['stands by itself beside seven', NAMES.slice(0, 6), 8 * MINUTE, 2],
  ['stands by itself long after the last alert there', NAMES, 20 * MINUTE, 2],
])('what is next to it and begins later %s', (_, services, laterMs, posts) => {
  const story = tell(CATALOG);
  failTogether(story, services);
  story.wait(laterMs);
  story.fire('cart-db', 'SlowQueries', { severity: 'high' });
  story.wait(12 * MINUTE);
  expect(story.posts()).toHaveLength(posts);
  const [first] = story.posts();
  expect(first?.root).toBe('core');
});
