/**
 * All that a lane remembers, in a form in which two lanes that remember the same are equal: one that was never stopped,
 * and one that was loaded from what the first had committed.
 */
import { type IdIndex, idsOf } from '../../src/state/id-index.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { LaneState } from '../../src/state/state.ts';
import { servicesOn, type Tally } from '../../src/state/tally.ts';

const MINUTE = 60_000;

/**
 * Left out, because whoever decides does not ask for it:
 * - what was found last and is found again (`inhibition.found`, `silenceTests`), what a commit has taken (`changed`, `closed`)
 *   or brought (`decidedUntil`, `reloads`);
 * - an instant in the heap of what is due that is earlier than needed. That nothing is late, or forgotten, shows in what is
 *   decided;
 * - alerts that are inhibited or might be (`inhibition.groups`): they are looked up, in vain when people were told of them
 *   before. What inhibits is compared;
 * - beginnings and tellings of more than a minute ago, which are dropped when the next one comes.
 * - incidents of a service that has no alert in them any more (`byService`): nothing joins it there.
 * And what `beyondAlerts` tells of.
 */
export function remembered(state: LaneState, now: number): Readonly<Record<string, unknown>> {
  const { tallies, byService, lately } = state;
  return {
    alerts: state.alerts,
    incidents: state.incidents,
    digests: state.digests,
    heartbeats: state.heartbeats,
    silences: state.silences,
    lateness: state.lateness,
    partings: state.partings,
    chronic: state.chronic,
    commonNames: state.commonNames,
    storm: state.storm,
    lately: {
      ...lately,
      episodes: lately.episodes.filter((at) => now - at <= MINUTE),
      tellings: lately.tellings.filter(({ at }) => now - at <= MINUTE),
    },
    weights: state.weights,
    resolved: state.resolved,
    members: state.members,
    tallies: new Map([...tallies].map(([id, tally]) => [id, tallyIn(tally)])),
    pasts: state.pasts.kept,
    open: state.open,
    stormed: state.stormed,
    byService: new Map(
      [...byService].flatMap(([name, index]) => {
        const places = placesIn(index, (id, service) => {
          const alerts = tallies.get(id)?.services.get(service)?.alerts ?? 0;
          return alerts > 0;
        });
        return places.size === 0 ? [] : [[name, places] as const];
      }),
    ),
    byHost: placesIn(state.byHost, () => true),
    byGroup: state.byGroup,
    byMessage: state.byMessage,
    inhibits: state.inhibition.sources,
    mapped: state.mapped,
    notIdentity: state.notIdentity,
  };
}

/**
 * What a lane knows beyond the alerts that are in memory. A load forgets it, so that two lanes which differ in it may decide
 * otherwise:
 * - which incident carried a transaction ID lately, when none of its alerts does any more; how many alerts and services
 *   did is no matter before they are so many that it is none: from then on that is a record;
 * - of the last quarter of an hour, earlier beginnings of an alert that began again.
 */
export function beyondAlerts(state: LaneState, { transactions }: Rules, now: number): unknown {
  const { byTransaction, alikeLately, incidents } = state;
  const uses = [...byTransaction.uses].filter(
    ([, { lastAt }]) => now - lastAt < transactions.ttlMs,
  );
  const linked = uses.map(([id, use]) => {
    const linking = [...use.incidents].filter((name) => incidents.has(name));
    return [id, { lastAt: use.lastAt, incidents: new Set(linking) }] as const;
  });
  const rows = [...alikeLately.rows].map(([key, row]) => {
    const lately = row.filter(({ at }) => now - at <= 15 * MINUTE);
    return [key, lately.map(({ fingerprint }) => fingerprint).sort()] as const;
  });
  return {
    transactions: new Map(linked),
    alike: new Map(rows.filter(([, row]) => row.length > 0)),
  };
}

function tallyIn({ hosts, ...tally }: Tally): unknown {
  const known = [...hosts.keys()].map(
    (host) => [host, servicesOn({ hosts, ...tally }, host)] as const,
  );
  return { ...tally, hosts: new Map(known) };
}

function placesIn(
  index: IdIndex,
  isThere: (id: string, name: string) => boolean,
): ReadonlyMap<string, ReadonlySet<string>> {
  const places = [...index.keys()].map((name) => {
    const ids = [...idsOf(index, name)].filter((id) => isThere(id, name));
    return [name, new Set(ids)] as const;
  });
  return new Map(places.filter(([, ids]) => ids.size > 0));
}
