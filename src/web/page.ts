/**
 * The pages: what is open, what would be said in Slack, what is held; one incident; one alert.
 *
 * Plain HTML made on the server, without any script. Everything that an alert says is escaped by
 * `html`.
 */
import type { Instant } from '../model.ts';
import { ago, count, DOTS, duration } from '../slack/words.ts';
import type { AlertDetail, IncidentDetail } from './details.ts';
import { type Html, html, linked } from './html.ts';
import type { DecisionJson, IncidentJson } from './shapes.ts';
import { STYLE } from './style.ts';

/** A message that would go to Slack, if Quell had a token. */
export interface PreviewMessage {
  readonly at: Instant;
  readonly action: 'post' | 'update' | 'reply' | 'digest';
  readonly channel: string;
  readonly incident: string | undefined;
  readonly text: string;
}

export interface Overview {
  readonly now: Instant;
  readonly rulesVersion: string;
  readonly open: readonly { readonly incident: IncidentJson; readonly text: string | undefined }[];
  readonly openTotal: number;
  /** Incidents that nobody was told of yet. */
  readonly gathering: readonly IncidentJson[];
  readonly gatheringTotal: number;
  readonly alertsTotal: number;
  /** Alerts that were not understood, since the start. */
  readonly quarantined: number;
  /** Newest first; undefined when Slack gets them. */
  readonly preview: readonly PreviewMessage[] | undefined;
}

const REFRESH_S = 10;

export function overviewPage(overview: Overview): string {
  const { now, open, openTotal, gathering, gatheringTotal, alertsTotal, preview } = overview;
  const counts = `${openTotal} open · ${gatheringTotal} held back · ${count(alertsTotal, 'alert')}`;
  return layout('Quell', REFRESH_S, [
    head(html`<span>${counts}</span><span>rules ${overview.rulesVersion}</span>`),
    html`<main>${preview === undefined ? undefined : PREVIEW_NOTICE}${quarantineNotice(overview)}
<h2>Open incidents</h2>
${open.length === 0 ? html`<p class="quiet">Nothing is open. All is well, or nothing came in yet.</p>` : undefined}
${open.map(({ incident, text }) => incidentCard(incident, text, now))}
${more(openTotal - open.length, '/v1/incidents?state=open,acknowledged')}
<h2>Held back, watched</h2>
${gathering.length === 0 ? html`<p class="quiet">Nothing is held back.</p>` : undefined}
${gathering.map((incident) => heldCard(incident, now))}
${more(gatheringTotal - gathering.length, '/v1/incidents?state=gathering')}
${preview === undefined ? undefined : previewSection(preview, now)}
</main>`,
  ]);
}

const PREVIEW_NOTICE = html`<p class="notice">No Slack token: this page shows the messages that Quell would post.</p>`;

function quarantineNotice({ quarantined }: Overview): Html | undefined {
  if (quarantined === 0) return undefined;
  const what = `${count(quarantined, 'alert')} could not be understood since the start`;
  return html`<p class="notice">${what}: <a href="/v1/decisions?reason=quarantined">see why</a>.</p>`;
}

function head(facts: Html): Html {
  return html`<header><b><a href="/">Quell</a></b>${facts}</header>`;
}

function more(number: number, address: string): Html | undefined {
  if (number <= 0) return undefined;
  return html`<p class="soft">and ${number} more: <a href="${address}">all of them</a></p>`;
}

function incidentCard(incident: IncidentJson, text: string | undefined, now: Instant): Html {
  const shown = text ?? `${DOTS[incident.severity]} ${incident.title}`;
  return html`<article class="${incident.severity}">${message(shown)}
<footer><span>${incident.channel ?? ''}</span><span>${stateInWords(incident, now)}</span>
<a href="/incidents/${encodeURIComponent(incident.id)}">why this message?</a></footer></article>`;
}

/** The first line says it all by itself. */
function message(text: string): Html {
  const [first = '', ...rest] = text.split('\n');
  const more = rest.length === 0 ? undefined : html`\n${linked(rest.join('\n'))}`;
  return html`<p><b>${linked(first)}</b>${more}</p>`;
}

function stateInWords(incident: IncidentJson, now: Instant): string {
  if (incident.resolvedAt !== null) return `resolved ${ago(Date.parse(incident.resolvedAt), now)}`;
  if (incident.toldAt === null) return `watched for ${since(incident.gatheredAt, now)}`;
  const when = ago(Date.parse(incident.toldAt), now);
  return `${incident.state}, ${TOLD_WORDS[incident.toldIn ?? 'message']} ${when}`;
}

const TOLD_WORDS = {
  message: 'told',
  digest: 'left for the digest',
  thread: 'told beside another',
  storm: 'told as part of a storm',
  nowhere: 'told nobody, as its route says,',
} as const satisfies Record<NonNullable<IncidentJson['toldIn']>, string>;

function since(at: string, now: Instant): string {
  return duration(now - Date.parse(at));
}

function heldCard(incident: IncidentJson, now: Instant): Html {
  const { severity, title, alerts, environment } = incident;
  const facts = `${count(alerts.total, 'alert')}, ${alerts.firing} firing`;
  return html`<article class="${severity}"><p>${title}</p>
<footer><span>${environment}</span><span>${facts}</span><span>${stateInWords(incident, now)}</span>
<a href="/incidents/${encodeURIComponent(incident.id)}">why is it quiet?</a></footer></article>`;
}

function previewSection(messages: readonly PreviewMessage[], now: Instant): Html {
  const rows = messages.map(({ at, action, channel, text }) => {
    const what = `${PREVIEW_WORDS[action]} ${channel}`;
    return html`<article>${message(text)}
<footer><span>${what}</span><span>${ago(at, now)}</span></footer></article>`;
  });
  if (rows.length === 0)
    return html`<h2>Would have been said</h2><p class="quiet">Nothing yet.</p>`;
  return html`<h2>Would have been said, newest first</h2>${rows}`;
}

const PREVIEW_WORDS = {
  post: 'posted to',
  update: 'updated in',
  reply: 'said in a thread of',
  digest: 'digest for',
} as const satisfies Record<PreviewMessage['action'], string>;

// ---------------------------------------------------------------------------------------------

export function incidentPage(incident: IncidentDetail, now: Instant): string {
  const { text, title, severity, state } = incident;
  const shown = text ?? `${DOTS[severity]} ${title}`;
  return layout(`${title} - Quell`, state === 'resolved' ? undefined : REFRESH_S, [
    head(html`<span>incident ${incident.id}</span><span>${stateInWords(incident, now)}</span>`),
    html`<main><article class="${state === 'resolved' ? 'resolved' : severity}">${message(shown)}</article>
<h2>What was decided, and why</h2>${decisionList(incident.decisions, incident.complete)}
<h2>Its alerts</h2>
<ul>${incident.members.map(
      ({
        fingerprint,
        name,
        service,
        status,
        labels,
      }) => html`<li><span class="soft">${status}</span>
<span><a href="/alerts/${encodeURIComponent(fingerprint)}">${name} of ${service}</a>
<span class="soft">${labelLine(labels)}</span></span></li>`,
    )}</ul>
${moreMembers(incident)}</main>`,
  ]);
}

function moreMembers({ alerts, members }: IncidentDetail): Html | undefined {
  const rest = alerts.total - members.length;
  return rest <= 0 ? undefined : html`<p class="soft">and ${rest} more</p>`;
}

function labelLine(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([name]) => name !== 'alertname')
    .slice(0, 12)
    .map(([name, value]) => `${name}="${value.slice(0, 120)}"`)
    .join(' ');
}

export function alertPage(detail: AlertDetail): string {
  const { fingerprint, alert, name, summary, decisions, complete } = detail;
  const title = name ?? `alert ${fingerprint}`;
  const incident = alert?.incident ?? undefined;
  return layout(`${title} - Quell`, undefined, [
    head(html`<span>alert ${fingerprint}</span>`),
    html`<main><h1>${title}</h1>
${summary.map((sentence) => html`<p>${sentence}</p>`)}
${incident === undefined ? undefined : html`<p><a href="/incidents/${encodeURIComponent(incident)}">its incident</a></p>`}
<h2>What was decided, and why</h2>${decisionList(decisions, complete, fingerprint)}
${alert === null ? undefined : html`<h2>Labels, as received</h2>${definitions(alert.labels)}<h2>Annotations</h2>${definitions(alert.annotations)}`}
</main>`,
  ]);
}

function definitions(entries: Readonly<Record<string, string>>): Html {
  const rows = Object.entries(entries);
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${linked(value)}</dd>`)}</dl>`;
}

/** `about`: the alert that the page is of; others are named, and linked to. */
function decisionList(decisions: readonly DecisionJson[], complete: boolean, about?: string): Html {
  const rows = decisions.map((decision) => {
    const { at, text, fingerprint, service } = decision;
    const who =
      fingerprint === null || fingerprint === about
        ? undefined
        : html`<a href="/alerts/${encodeURIComponent(fingerprint)}">${service ?? 'an alert'}</a> `;
    const time = at.slice(0, 19).replace('T', ' ');
    return html`<li><time datetime="${at}">${time}</time><span>${who}${text}</span></li>`;
  });
  const before = complete ? undefined : html`<p class="soft">There is more before this.</p>`;
  if (rows.length === 0) return html`<p class="quiet">Nothing is recorded.</p>`;
  return html`${before}<ol>${rows}</ol><p class="soft">Times are UTC.</p>`;
}

export function missingPage(error: string): string {
  return layout('Quell', undefined, [
    head(html`<span></span>`),
    html`<main><p class="quiet">${error}</p></main>`,
  ]);
}

function layout(title: string, refreshS: number | undefined, parts: readonly Html[]): string {
  const refresh =
    refreshS === undefined ? undefined : html`<meta http-equiv="refresh" content="${refreshS}">`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">${refresh}
<link rel="icon" href="data:,"><style>${{ html: STYLE }}</style></head>
<body>${parts}</body></html>
`.html;
}
