/**
 * What all pages share: the frame, a message. Plain HTML made on the server,
 * without any script; everything that an alert says is escaped by `html`.
 */
import type { Instant } from '../model.ts';
import { duration } from '../rules/duration.ts';
import { ago } from '../slack/words.ts';
import { type Html, html, linked } from './html.ts';
import type { IncidentJson } from './shapes.ts';
import { STYLE } from './style.ts';

export const REFRESH_S = 10;

export function layout(
  title: string,
  refreshS: number | undefined,
  parts: readonly Html[],
  rules?: string,
): string {
  const foot =
    rules === undefined
      ? undefined
      : html`<footer class="page">rules ${rules} in force · all <a href="/incidents">incidents</a>, <a href="/alerts">alerts</a>, <a href="/decisions">decisions</a></footer>`;
  const refresh =
    refreshS === undefined ? undefined : html`<meta http-equiv="refresh" content="${refreshS}">`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">${refresh}
<link rel="icon" href="data:,"><style>${{ html: STYLE }}</style></head>
<body>${parts}${foot}</body></html>
`.html;
}

/** Anything that `quell explain` takes, first of all what stands in the clipboard: a link of Slack. */
const ASK = 'Why? Slack link, incident, fingerprint, matcher';
const SEARCH = html`<form class="search" action="/explain">
<input name="of" type="search" required maxlength="2000" aria-label="${ASK}" placeholder="${ASK}">
</form>`;

export function head(facts: Html): Html {
  return html`<header><b><a href="/">Quell</a></b>${facts}${SEARCH}</header>`;
}

export function missingPage(error: string, rules?: string): string {
  const parts = [head(html`<span></span>`), html`<main><p class="quiet">${error}</p></main>`];
  return layout('Quell', undefined, parts, rules);
}

/** The first line says it all by itself. */
export function message(text: string): Html {
  const [first = '', ...rest] = text.split('\n');
  let wasLink = false;
  const more = rest.map((line) => {
    const link = namedLink(line);
    // Links stand side by side, as in Slack.
    const between = wasLink && link !== undefined ? '   ' : '\n';
    wasLink = link !== undefined;
    return html`${between}${link ?? linked(line)}`;
  });
  return html`<p><b>${linked(first)}</b>${more}</p>`;
}

/** `▸ Dashboard https://...`: its name is enough to click on. */
function namedLink(line: string): Html | undefined {
  const [, name, url] = /^(▸ .+) (https?:\/\/\S+)$/.exec(line) ?? [];
  if (name === undefined || url === undefined || !URL.canParse(url)) return undefined;
  return html`<a href="${url}" rel="noreferrer noopener">${name}</a>`;
}

export function stateInWords(incident: IncidentJson, now: Instant): string {
  const { resolvedAt, toldAt, toldIn } = incident;
  if (toldAt === null && resolvedAt !== null)
    return `over ${ago(Date.parse(resolvedAt), now)}, never told`;
  if (resolvedAt !== null) return `resolved ${ago(Date.parse(resolvedAt), now)}`;
  if (toldAt === null) {
    return `watched for ${duration(now - Date.parse(incident.gatheredAt))}, nobody was told yet`;
  }
  const missing = toldIn === 'message' && incident.message === null ? ', but not in Slack yet' : '';
  return `${incident.state}, ${TOLD_WORDS[toldIn ?? 'message']} ${ago(Date.parse(toldAt), now)}${missing}`;
}

const TOLD_WORDS = {
  message: 'told',
  digest: 'left for the digest',
  thread: 'told beside another',
  storm: 'told as part of a storm',
  nowhere: 'told nobody, as its route says,',
} as const satisfies Record<NonNullable<IncidentJson['toldIn']>, string>;

/** `14:05:07`, with its day when that is not today. */
export function clock(at: string, now: Instant): string {
  const [day = '', time = ''] = at.split(/[T.Z]/);
  return new Date(now).toISOString().startsWith(day) ? time : `${day} ${time}`;
}

export function incidentPath(id: string): string {
  return `/incidents/${encodeURIComponent(id)}`;
}

export function alertPath(fingerprint: string): string {
  return `/alerts/${encodeURIComponent(fingerprint)}`;
}
