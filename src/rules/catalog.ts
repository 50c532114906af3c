/**
 * The service catalog: names, aliases and who calls whom, with every look-up by index.
 */
import type { Catalog, Service } from './rules.ts';

/** `dependsOn` may name aliases; whatever the catalog does not know is left out. */
export function buildCatalog(sources: readonly Service[]): Catalog {
  const canonical = new Map<string, string>();
  for (const { name, aliases } of sources) {
    for (const alias of aliases) canonical.set(alias.toLowerCase(), name);
  }
  // Names win over aliases, exact ones over those in lower case.
  for (const { name } of sources) canonical.set(name.toLowerCase(), name);
  for (const { name } of sources) canonical.set(name, name);

  const services = new Map<string, Service>();
  const callers = new Map<string, string[]>();
  for (const source of sources) {
    const known = source.dependsOn.map((name) => resolveName(canonical, name));
    const dependsOn = [...new Set(known.filter((name) => name !== undefined))].filter(
      (name) => name !== source.name,
    );
    services.set(source.name, Object.freeze({ ...source, dependsOn }));
    for (const name of dependsOn) {
      const list = callers.get(name);
      if (list === undefined) callers.set(name, [source.name]);
      else list.push(source.name);
    }
  }
  return { services, canonical, callers };
}

export function resolveName(
  canonical: ReadonlyMap<string, string>,
  name: string,
): string | undefined {
  return canonical.get(name) ?? canonical.get(name.toLowerCase());
}
