/**
 * What somebody means who asks "why?": a fingerprint, an incident, a link to a Slack message or to one of
 * our own pages, a heartbeat, a matcher or a service, with a time where several fit.
 *
 * What is in memory is found by index; what left it is looked for in history, with a bound on how much
 * of that is read.
 */
import { incidentOn, ownerOf } from '../lane/lanes.ts';
import { subjectOf } from '../life/lead.ts';
import type { Alert, Instant, MessageRef } from '../model.ts';
import { resolveName } from '../rules/catalog.ts';
import { parseSelector } from '../rules/matcher.ts';
import type { Catalog } from '../rules/rules.ts';
import { didYouMean } from '../rules/did-you-mean.ts';
import { placeOfReply } from '../state/reactions.ts';
import type { ClosedIncident, History } from '../store/contract.ts';
import type { LanesView } from './details.ts';
import { newest } from './newest.ts';
import { closedAlert, pagesOf } from './past.ts';
import { readMatch } from './query.ts';
import { viewOf } from './shapes.ts';

export type Found =
  | { readonly kind: 'incident'; readonly id: string }
  /** `others`: what else matches, the likeliest first. */
  | { readonly kind: 'alert'; readonly fingerprint: string; readonly others: readonly Alert[] }
  /** `message` says why not, and what would be found. */
  | { readonly kind: 'unknown'; readonly message: string };

export interface Asked {
  readonly of: string;
  /** What happened around then. */
  readonly at: Instant | undefined;
}

const MATCHING_MAX = 100;
const SHOWN_MAX = 120;
/** Alerts whose names and labels are compared with a word that nothing is called by. */
const LOOKED_THROUGH_MAX = 5_000;

/** Throws bad-query for a matcher that cannot be read. */
export async function find(store: History, lanes: LanesView, { of, at }: Asked): Promise<Found> {
  const wanted = of.trim();
  if (/^https?:\/\//i.test(wanted)) return findLink(store, lanes, wanted);
  const id = wanted.toUpperCase();
  if (/^[0-9A-Z]{8}$/.test(id) && (await isIncident(store, lanes, id)))
    return { kind: 'incident', id };
  const isFingerprint = /^[0-9a-f]{16}$/i.test(wanted);
  if (isFingerprint) return alert(wanted.toLowerCase());
  if (lanes.all.some(({ state }) => state.heartbeats.has(wanted))) return alert(wanted);
  return findMatch(store, lanes, wanted, at);
}

function alert(fingerprint: string, others: readonly Alert[] = []): Found {
  return { kind: 'alert', fingerprint, others };
}

async function isIncident(store: History, lanes: LanesView, id: string): Promise<boolean> {
  const isLive = ownerOf(lanes, { incident: id }) !== undefined;
  return isLive || (await store.closedIncident(id)) !== undefined;
}

// --- links ----------------------------------------------------------------------------------------

async function findLink(store: History, lanes: LanesView, link: string): Promise<Found> {
  if (!URL.canParse(link)) return unknownLink(link);
  const url = new URL(link);
  const message = readPermalink(url);
  if (message !== undefined) return findMessage(store, lanes, message);
  const [, page, name] = /\/(incidents|alerts)\/([^/]+)/.exec(url.pathname) ?? [];
  if (page === undefined || name === undefined || name.includes('%')) return unknownLink(link);
  if (page === 'alerts') return alert(name);
  if (await isIncident(store, lanes, name)) return { kind: 'incident', id: name };
  return unknown(`no incident "${cut(name)}": it is not known, or older than the retention`);
}

function unknownLink(link: string): Found {
  const like = 'https://<workspace>.slack.com/archives/C0123ABCD/p1769827290000100';
  return unknown(
    `${cut(link)} is no link to a Slack message: in Slack, "Copy link" of the message gives one like ${like}`,
  );
}

interface LinkedMessage {
  readonly channel: string;
  /** Of the message; for a reply also of the message that it answers, first. */
  readonly ts: readonly string[];
}

/** What "Copy link" gives; undefined for any other address. */
export function readPermalink({ pathname, searchParams }: URL): LinkedMessage | undefined {
  const [, channel, seconds, micros] =
    /^\/archives\/([A-Z][A-Z0-9]+)\/p(\d{10})(\d{6})\/?$/.exec(pathname) ?? [];
  if (channel === undefined) return undefined;
  const thread = searchParams.get('thread_ts');
  const own = `${seconds}.${micros}`;
  const isThread = thread !== null && /^\d{10}\.\d{6}$/.test(thread) && thread !== own;
  return { channel, ts: isThread ? [thread, own] : [own] };
}

async function findMessage(
  store: History,
  lanes: LanesView,
  { channel, ts }: LinkedMessage,
): Promise<Found> {
  for (const one of ts) {
    const id = incidentOn(lanes, { channel, ts: one });
    if (id !== undefined) return { kind: 'incident', id };
  }
  for (const digest of lanes.all.flatMap(({ state }) => [...state.digests.values()])) {
    const { message, lines } = digest;
    if (message?.channel !== channel || !ts.includes(message.ts)) continue;
    const ids = lines.map(({ incident }) => incident).slice(0, 5);
    const such = ids.length === 0 ? '' : `, like ${ids.join(', ')}`;
    return unknown(
      `this message is the digest of ${digest.channel}: ask for one of its incidents${such}`,
    );
  }
  const closed = await closedOn(store, { channel, ts });
  if (closed !== undefined) return { kind: 'incident', id: closed.incident.id };
  return unknown(
    'no message of Quell stands there: somebody else wrote it, or it is older than the retention',
  );
}

/** For whoever hears of an old message: its incident, or what that became part of, and the alerts that it had. */
export async function pastOfMessage(store: History, { channel, ts }: MessageRef) {
  const found = await closedOn(store, { channel, ts: [ts] });
  const into = found?.incident.mergedInto;
  const closed = into === undefined ? found : ((await store.closedIncident(into)) ?? found);
  return closed && { incident: closed.incident.id, alerts: viewOf(closed).alerts };
}

/** The incident of a message, or of a line in its thread, that left memory. */
function closedOn(
  store: History,
  { channel, ts }: LinkedMessage,
): Promise<ClosedIncident | undefined> {
  return closedWith(
    store,
    ({ incident: { message, replies } }) => {
      if (message === undefined) return false;
      const places = [message, ...replies.map((reply) => placeOfReply(message, reply))];
      return places.some((place) => place.channel === channel && ts.includes(place.ts));
    },
    Number(ts[0]) * 1000,
  );
}

const HOUR_MS = 3_600_000;
/** Most incidents end soon after they were told: the hours after that are looked through first. */
const SPANS_MS = [HOUR_MS, 12 * HOUR_MS, 7 * 24 * HOUR_MS, 366 * 24 * HOUR_MS];
const PAGE = 50;
const PAGES_MAX = 40;

/** Of those that ended after an instant. */
async function closedWith(
  store: History,
  accepts: (closed: ClosedIncident) => boolean,
  after: Instant,
): Promise<ClosedIncident | undefined> {
  let from = after;
  for (const span of SPANS_MS) {
    const wanted = { from: Math.floor(from), to: Math.ceil(after + span), limit: PAGE };
    const ask = (cursor: string | undefined) => store.closedIncidents({ ...wanted, cursor });
    for await (const { items } of pagesOf(ask, PAGES_MAX)) {
      const found = items.find(accepts);
      if (found !== undefined) return found;
    }
    from = after + span;
  }
  return undefined;
}

// --- matchers -------------------------------------------------------------------------------------

async function findMatch(
  store: History,
  { all, rules }: LanesView,
  wanted: string,
  at: Instant | undefined,
): Promise<Found> {
  const tests = readMatch(wanted, rules.catalog);
  const strictly = (one: Alert): boolean => tests.every((test) => test(subjectOf(one)));
  const loosely = looselyCalled(wanted, rules.catalog);
  const exact = await newestIn(all, strictly);
  const accepts = exact.length > 0 ? strictly : (one: Alert) => strictly(one) || loosely(one);
  const items = exact.length > 0 ? exact : await newestIn(all, loosely);
  const live = at === undefined ? items : nearest(items, at);
  const [first, ...others] = live;
  const isThen = first !== undefined && (at === undefined || apart(first, at) <= HOUR_MS);
  if (isThen) return alert(first.fingerprint, others);
  // It may have left memory, and been there at that time.
  const past = await closedAlert(
    store,
    (one) => accepts(one) && (at === undefined || apart(one, at) <= HOUR_MS),
  );
  if (past !== undefined) return alert(past.alert.fingerprint, live);
  if (first !== undefined) return alert(first.fingerprint, others);
  return unknown(
    `no alert matches ${cut(wanted)}, in memory or among those that ended last; one that is long over is found by its fingerprint${hintOn(wanted, all)}`,
  );
}

async function newestIn(
  all: LanesView['all'],
  accepts: (one: Alert) => boolean,
): Promise<readonly Alert[]> {
  const { items } = await newest(
    all.map(({ state }) => state.alerts.values()),
    {
      atOf: ({ since }) => since,
      idOf: ({ fingerprint }) => fingerprint,
      accepts,
      after: undefined,
      limit: MATCHING_MAX,
    },
  );
  return items;
}

/** A bare word that nothing is called by may be a service, or a name whose case nobody remembers. */
function looselyCalled(wanted: string, { canonical }: Catalog): (one: Alert) => boolean {
  const service = resolveName(canonical, wanted)?.toLowerCase();
  const word = wanted.toLowerCase();
  return ({ facts }) => {
    const of = facts.service.toLowerCase();
    return of === word || of === service || facts.name.toLowerCase() === word;
  };
}

/** What a matcher compares besides labels. */
const FACTS = 'alertname service environment severity host tier owner capability source'.split(' ');

/** `; no alert has a label "servce": did you mean "service"?` */
function hintOn(wanted: string, all: LanesView['all']): string {
  const parsed = parseSelector(wanted);
  if (parsed.kind === 'refused' || (parsed.name === undefined && parsed.matchers.length === 0))
    return '';
  const { names, labels } = called(all);
  if (parsed.matchers.length === 0) {
    const meant = didYouMean(wanted, names);
    return meant === undefined ? '' : `; ${meant}`;
  }
  const odd = parsed.matchers.find(({ name }) => !labels.has(name));
  const meant = odd === undefined ? undefined : didYouMean(odd.name, labels);
  return meant === undefined ? '' : `; no alert has a label "${cut(odd?.name ?? '')}": ${meant}`;
}

function called(all: LanesView['all']) {
  const names = new Set<string>();
  const labels = new Set(FACTS);
  let looked = 0;
  for (const alert of alertsIn(all)) {
    if (++looked > LOOKED_THROUGH_MAX) break;
    names.add(alert.facts.name).add(alert.facts.service);
    for (const label of Object.keys(alert.labels)) labels.add(label);
  }
  return { names, labels };
}

function* alertsIn(all: LanesView['all']): Generator<Alert> {
  for (const { state } of all) yield* state.alerts.values();
}

/** The alert that fired at that time, else the one that fired nearest to it. */
function nearest(alerts: readonly Alert[], at: Instant): readonly Alert[] {
  return alerts.toSorted((one, other) => apart(one, at) - apart(other, at));
}

function apart({ since, resolvedAt }: Alert, at: Instant): number {
  if (at < since) return since - at;
  return Math.max(0, at - (resolvedAt ?? Infinity));
}

function unknown(message: string): Found {
  return { kind: 'unknown', message };
}

function cut(text: string): string {
  return text.slice(0, SHOWN_MAX);
}
