/**
 * Who did something: as the rules call them, else as Slack does.
 */
import type { People } from '../model.ts';

export interface NamesDeps {
  /** As Slack calls somebody, where that is known by now. No page waits for it. */
  readonly nameOf?: ((user: string) => string | undefined) | undefined;
}

export function peopleOf({ nameOf }: NamesDeps, { people }: { readonly people: People }): People {
  return { get: (id) => people.get(id) ?? nameOf?.(id) };
}
