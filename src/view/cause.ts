/**
 * What people are shown of the likely cause: whose it is, how much it explains, what links the rest to it, and
 * whether it goes on. The renderer finds the words.
 */
import { keepsToItself } from '../correlate/group.ts';
import type { Alert, Incident, Instant, RootCandidate } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { isByTime } from '../state/group-index.ts';
import { inOrder, servicesOn, severityRank, type Tally } from '../state/tally.ts';

/** Of how many, and in how many. */
export type Shared =
  | { readonly kind: 'host'; readonly name: string; readonly services: number; readonly of: number }
  | {
      readonly kind: 'transaction';
      readonly id: string;
      readonly alerts: number;
      readonly of: number;
    }
  | { readonly kind: 'rule'; readonly rule: string };

export interface CandidateView extends RootCandidate {
  /** Alerts of other services, too, and not only its own. */
  readonly explainsOthers: boolean;
  /** Its own alerts are over since then. */
  readonly clearedAt?: Instant | undefined;
}

export interface CauseView extends CandidateView {
  readonly tier: number | undefined;
  readonly owner: string | undefined;
  /** What it shares with others where it does not explain them: why they are one incident. */
  readonly shared?: Shared | undefined;
  /** Its own alerts are over, and others go on. */
  readonly hasRecovered?: boolean;
}

/** Services, hosts or transactions looked through. */
const LOOKED_THROUGH_MAX = 50;

export function causeView(
  incident: Incident,
  lead: Alert | undefined,
  rules: Rules,
  tally: Tally,
): {
  readonly root: CauseView | undefined;
  readonly otherRoots: readonly CandidateView[];
  readonly owner: string | undefined;
} {
  const [root, ...otherRoots] = incident.roots.map((one) => candidateView(one, tally));
  const { services } = rules.catalog;
  const leadOwner = services.get(lead?.facts.service ?? '')?.owner;
  if (root === undefined) return { root, otherRoots, owner: leadOwner };
  const { tier, owner } = services.get(root.service) ?? { tier: undefined, owner: undefined };
  const own = tally.services.get(root.service) ?? { alerts: 0, firing: 0 };
  const view = {
    ...root,
    tier,
    owner,
    shared: root.explainsOthers ? undefined : sharedBy(incident, tally),
    hasRecovered: own.alerts > 0 && own.firing === 0 && tally.firing > 0,
  };
  return { root: view, otherRoots, owner: owner ?? leadOwner };
}

function candidateView(candidate: RootCandidate, { services }: Tally): CandidateView {
  const own = services.get(candidate.service);
  const clearedAt = own?.firing === 0 ? own.clearedAt : undefined;
  return { ...candidate, explainsOthers: candidate.explains > (own?.alerts ?? 0), clearedAt };
}

/** What makes them one incident, where no service explains the others: a rule, a host, a transaction. */
function sharedBy({ group }: Incident, tally: Tally): Shared | undefined {
  if (group !== undefined && !isByTime(group) && !keepsToItself(group)) {
    const [, rule = ''] = group.split('\n', 2);
    return { kind: 'rule', rule };
  }
  const [name, services] = mostOf(tally.hosts.keys(), (host) => servicesOn(tally, host).size);
  if (services > 1) return { kind: 'host', name, services, of: tally.hit };
  const [id, alerts] = mostOf(tally.transactions.keys(), (one) => tally.transactions.get(one) ?? 0);
  return alerts > 1 ? { kind: 'transaction', id, alerts, of: tally.alerts } : undefined;
}

/** The one that has most, and of as many the first by name: not the first to come, which a load cannot tell. */
function mostOf(
  names: Iterable<string>,
  countOf: (name: string) => number,
): readonly [string, number] {
  let most: readonly [string, number] = ['', 0];
  let looked = 0;
  for (const name of names) {
    if (++looked > LOOKED_THROUGH_MAX) break;
    const count = countOf(name);
    if (count > most[1] || (count === most[1] && name < most[0])) most = [name, count];
  }
  return most;
}

/** The service that is worst off, where the alert that speaks for the incident is milder than that. */
export function victimOf(
  tally: Tally,
  { severity }: Incident,
  lead: Alert | undefined,
): string | undefined {
  const worst = severityRank(severity);
  if (lead === undefined || severityRank(lead.facts.severity) <= worst) return undefined;
  if (tally.services.size > LOOKED_THROUGH_MAX) return undefined;
  const found = inOrder(tally.services).find(
    ([name, { leadFires, leadRank }]) =>
      leadFires && leadRank === worst && name !== lead.facts.service,
  );
  return found?.[0];
}
