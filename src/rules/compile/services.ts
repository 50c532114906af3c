/**
 * The catalog from `services:`, checked: names and aliases are unique, dependencies exist. Services that
 * depend on each other in a circle are legal: the cause among them is the one that fired first.
 */
import { over, SHAPE } from '../../limits.ts';
import type { z } from 'zod';
import { buildCatalog, resolveName } from '../catalog.ts';
import { circlesOf } from './circles.ts';
import type { Collected, Entry } from './collect.ts';
import { DEFAULT_HUB_CALLERS } from '../defaults.ts';
import { type Report, below } from '../files/report.ts';
import type { Catalog, Service } from '../rules.ts';
import type { Service as ServiceSchema } from './schema.ts';
import { type Place, refOf } from '../files/source-file.ts';
import { nearest } from '../did-you-mean.ts';

type ServiceEntry = Entry<z.output<typeof ServiceSchema>>;

/** Names and aliases in lower case, with where they are defined. */
interface Defined {
  readonly service: string;
  readonly written: string;
  readonly place: Place;
}

export function compileServices(collected: Collected, report: Report): Catalog {
  const defined = new Map<string, Defined>();
  const services: Service[] = [];
  const unique = collected.services.filter((entry) => defineName(entry, defined, report));
  for (const entry of unique) defineAliases(entry, defined, report);
  for (const entry of unique) {
    checkDependencies(entry, defined, collected, report);
    services.push(toService(entry.value));
  }
  for (const { value, place } of unique) {
    if (value.owner !== undefined || value.channel !== undefined) continue;
    const message = `service "${value.name}" has no owner`;
    report.warning(below(place, 'name'), message, 'say who is told: owner: TEAM');
  }
  const [tooMany] = unique.slice(SHAPE.services);
  if (tooMany !== undefined) {
    const message = over('services', `more than ${SHAPE.services} services`);
    report.error(below(tooMany.place, 'name'), message, 'several Quells can share them out');
  }
  const catalog = buildCatalog(services);
  warnOfShape(unique, catalog, collected.hubs?.value.callers ?? DEFAULT_HUB_CALLERS, report);
  return catalog;
}

/** Circles and hubs are legal and weaken what the graph can tell: a `why:` says that they are meant. */
function warnOfShape(
  entries: readonly ServiceEntry[],
  catalog: Catalog,
  callersMax: number,
  report: Report,
): void {
  const byName = new Map(entries.map((entry) => [entry.value.name, entry]));
  for (const circle of circlesOf(catalog)) {
    const [first = '', second = ''] = circle;
    const entry = byName.get(first);
    const isMeant = circle.some((name) => byName.get(name)?.value.why !== undefined);
    if (entry === undefined || isMeant) continue;
    const index = (entry.value.dependsOn ?? []).findIndex(
      (name) => resolveName(catalog.canonical, name) === second,
    );
    const message = `services depend on each other in a circle: ${[...circle, first].join(' -> ')}`;
    const hint = 'what fires first counts as the cause; if it is meant, say why: on one of them';
    report.warning(below(entry.place, 'dependsOn', index), message, hint);
  }
  for (const { value, place } of entries) {
    const callers = catalog.callers.get(value.name)?.length ?? 0;
    if (callers <= callersMax || value.why !== undefined) continue;
    const message = `${callers} services call "${value.name}", more than ${callersMax}: it is a hub, and no path leads through it`;
    report.warning(below(place, 'name'), message, 'if it is meant, say why: on it; or see hubs:');
  }
}

function toService(value: ServiceEntry['value']): Service {
  return {
    name: value.name,
    aliases: value.aliases ?? [],
    owner: value.owner,
    channel: value.channel,
    tier: value.tier,
    capability: value.capability,
    runbook: value.runbook,
    dashboard: value.dashboard,
    dependsOn: value.dependsOn ?? [],
  };
}

function defineName(entry: ServiceEntry, defined: Map<string, Defined>, report: Report): boolean {
  const { name } = entry.value;
  const place = below(entry.place, 'name');
  const before = defined.get(name.toLowerCase());
  if (before === undefined) {
    defined.set(name.toLowerCase(), { service: name, written: name, place });
    return true;
  }
  const where = refOf(before.place);
  const message =
    before.written === name
      ? `service "${name}" stands twice: also in ${where}`
      : `service "${name}" is the same as "${before.written}" in ${where}: case does not count`;
  report.error(place, message);
  return false;
}

function defineAliases(entry: ServiceEntry, defined: Map<string, Defined>, report: Report): void {
  const { name, aliases = [] } = entry.value;
  for (const [i, alias] of aliases.entries()) {
    const place = below(entry.place, 'aliases', i);
    const before = defined.get(alias.toLowerCase());
    if (before === undefined) {
      defined.set(alias.toLowerCase(), { service: name, written: alias, place });
    } else if (before.service !== name) {
      const what = before.written === before.service ? 'is the name of' : 'is already an alias of';
      const where = `service "${before.service}" (${refOf(before.place)})`;
      report.error(place, `alias "${alias}" of "${name}" ${what} ${where}`);
    }
  }
}

function checkDependencies(
  entry: ServiceEntry,
  defined: ReadonlyMap<string, Defined>,
  collected: Collected,
  report: Report,
): void {
  const { name, dependsOn = [] } = entry.value;
  for (const [i, other] of dependsOn.entries()) {
    const place = below(entry.place, 'dependsOn', i);
    const found = defined.get(other.toLowerCase());
    if (found?.service === name) report.warning(place, `"${name}" depends on itself`);
    if (found !== undefined || collected.mayDefine(other)) continue;
    const message = `unknown service "${other}" in dependsOn of "${name}"`;
    report.error(place, message, suggestService(other, defined));
  }
}

function suggestService(name: string, defined: ReadonlyMap<string, Defined>): string | undefined {
  const near = nearest(
    name,
    [...defined.values()].map((one) => one.written),
  );
  const found = near === undefined ? undefined : defined.get(near.toLowerCase());
  if (found === undefined) return 'define it under services:, if only by its name';
  return `did you mean "${found.written}" (${refOf(found.place)})?`;
}
