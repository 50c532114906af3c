/**
 * The pages that list all of a kind: incidents, alerts, silences. The first page shows the first few and leads here.
 * They take what the lists of the read API take, and a link leads to what is older.
 */
import { matchersInWords } from '../life/silences.ts';
import type { Instant, People } from '../model.ts';
import { duration } from '../rules/duration.ts';
import { count, DOTS, nameOf } from '../slack/words.ts';
import { type Html, html } from './html.ts';
import { alertPath, clock, head, incidentPath, layout, stateInWords } from './layout.ts';
import type { Listed } from './lists.ts';
import type { AlertJson, IncidentJson } from './shapes.ts';
import type { SilenceJson } from './silence-shapes.ts';

interface ListPage {
  readonly now: Instant;
  readonly rulesVersion: string;
  /** What was asked for, without its cursor. */
  readonly query: string;
}

/** As its message has it, whatever it was before. */
const OVER = '🟢';

export function incidentsPage({ items, next }: Listed<IncidentJson>, page: ListPage): string {
  const rows = items.map((incident) => {
    const { id, title, state, severity, environment, alerts, gatheredAt } = incident;
    return html`<li><time datetime="${gatheredAt}">${clock(gatheredAt, page.now)}</time>
<span>${state === 'resolved' ? OVER : DOTS[severity]} <a href="${incidentPath(id)}">${title}</a>
<span class="soft">${count(alerts.total, 'alert')}, ${environment} · ${stateInWords(incident, page.now)}</span></span></li>`;
  });
  return listPage('Incidents', rows, older('/incidents', page.query, next), page);
}

export function alertsPage({ items, next }: Listed<AlertJson>, page: ListPage): string {
  const rows = items.map((alert) => {
    const { fingerprint, name, service, environment, status, severity, since } = alert;
    return html`<li><time datetime="${since}">${clock(since, page.now)}</time>
<span>${status === 'resolved' ? OVER : DOTS[severity]} <a href="${alertPath(fingerprint)}">${nameOf(name, service)}</a>
<span class="soft">${service}, ${environment} · ${statusInWords(alert)}</span></span></li>`;
  });
  return listPage('Alerts', rows, older('/alerts', page.query, next), page);
}

function statusInWords({ status, silenced, inhibited }: AlertJson): string {
  if (silenced !== null) return `${status}, silenced by ${silenced.by}`;
  return inhibited === null ? status : `${status}, inhibited by ${inhibited.by}`;
}

export function silencesPage(
  silences: readonly SilenceJson[],
  people: People,
  page: ListPage,
): string {
  const rows = silences.map((silence) => silenceRow(silence, people, page.now));
  return listPage('Silences', rows, undefined, page);
}

const COMMENT_SHOWN = 200;

export function silenceRow(silence: SilenceJson, people: People, now: Instant): Html {
  const { status, startsAt, endsAt, createdBy, comment } = silence;
  const isPending = status.state === 'pending';
  const at = isPending ? startsAt : endsAt;
  const rest = duration(Math.abs(Date.parse(at) - now));
  const left = {
    pending: `begins in ${rest}`,
    active: `${rest} to go`,
    expired: `over for ${rest}`,
  }[status.state];
  return html`<li><span>${isPending ? 'from' : 'until'} <time datetime="${at}">${clock(at, now).slice(0, -3)}</time></span>
<span>{${matchersInWords(silence).join(', ')}} <span class="soft">${people.get(createdBy) ?? createdBy}: ${comment.slice(0, COMMENT_SHOWN)} · ${left}</span></span></li>`;
}

/** Where the next page is; undefined on the last one. */
export function older(path: string, query: string, next: string | null): Html | undefined {
  if (next === null) return undefined;
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', next);
  return html`<p><a href="${path}?${parameters.toString()}">older ones</a></p>`;
}

function listPage(
  title: string,
  rows: readonly Html[],
  rest: Html | undefined,
  { query, rulesVersion }: ListPage,
): string {
  const asked = [...new URLSearchParams(query)].map(([name, value]) => `${name} ${value}`);
  const list =
    rows.length === 0
      ? html`<p class="quiet">${rest === undefined ? 'There are none.' : 'None among the newest.'}</p>`
      : html`<ul>${rows}</ul>`;
  const parts = [
    head(html`<span>${[`${title.toLowerCase()}, newest first`, ...asked].join(' · ')}</span>`),
    html`<main><h2>${title}</h2>${list}
<p class="soft">Times are UTC.</p>${rest}</main>`,
  ];
  return layout(`${title} - Quell`, undefined, parts, rulesVersion);
}
