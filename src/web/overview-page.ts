/**
 * The first page: what is open, what is held, what was kept quiet and why, what would be said in Slack.
 */
import { momentInWords } from '../explain/words.ts';
import { type Instant, KEPT_QUIET, type People } from '../model.ts';
import { ago, count, DOTS, list, severityWord } from '../slack/words.ts';
import type { Heartbeat } from '../state/small-records.ts';
import { type Html, html } from './html.ts';
import { silenceRow } from './list-pages.ts';
import {
  alertPath,
  clock,
  head,
  incidentPath,
  layout,
  message,
  REFRESH_S,
  stateInWords,
} from './layout.ts';
import type { DecisionJson, IncidentJson } from './shapes.ts';
import type { SilenceJson } from './silence-shapes.ts';

/** A message that would go to Slack, if Quell had a token. */
export interface PreviewMessage {
  readonly at: Instant;
  readonly action: 'post' | 'update' | 'reply' | 'digest';
  readonly channel: string;
  readonly incident: string | undefined;
  readonly text: string;
}

interface OpenIncident {
  readonly incident: IncidentJson;
  /** Its message; undefined when it has none of its own. */
  readonly text: string | undefined;
}

interface HeldIncident {
  readonly incident: IncidentJson;
  /** When it is told if it still fires then, as far as that is known. */
  readonly tellAt: Instant | undefined;
}

export interface Overview {
  readonly now: Instant;
  readonly rulesVersion: string;
  /** The worst first, then the oldest. */
  readonly open: readonly OpenIncident[];
  readonly openTotal: number;
  /** What is wrong with the rules files as they are now: others are in force. */
  readonly rulesRefused: string | undefined;
  /** Incidents that nobody was told of yet. */
  readonly gathering: readonly HeldIncident[];
  readonly gatheringTotal: number;
  /** The newest decisions to tell nobody, or nobody at once. */
  readonly quiet: readonly DecisionJson[];
  /** Told, and over since. */
  readonly resolved: readonly IncidentJson[];
  /** Not those that are over. */
  readonly silences: readonly SilenceJson[];
  readonly people: People;
  readonly heartbeats: readonly Heartbeat[];
  readonly alertsTotal: number;
  /** Alerts that were not understood, since the start. */
  readonly quarantined: number;
  /** Newest first; undefined when Slack gets them. */
  readonly preview: readonly PreviewMessage[] | undefined;
}

export function overviewPage(overview: Overview): string {
  const { now, open, openTotal, gathering, gatheringTotal, alertsTotal, preview } = overview;
  const counts = `${openTotal} open · ${gatheringTotal} held back · ${count(alertsTotal, 'alert')} known`;
  const parts = [
    head(html`<span>${counts}</span>`),
    html`<main>${preview === undefined ? undefined : PREVIEW_NOTICE}${rulesNotice(overview)}${quarantineNotice(overview)}
<h2>Open incidents</h2>
${open.length === 0 ? html`<p class="quiet">Nothing is open. All is well, or nothing came in yet.</p>` : undefined}
${open.map((one) => incidentCard(one, now))}
${more(openTotal - open.length, '/incidents?state=open,acknowledged')}
<h2>Held back, watched</h2>
${gathering.length === 0 ? html`<p class="quiet">Nothing is held back.</p>` : undefined}
${gathering.map((one) => heldCard(one, now))}
${more(gatheringTotal - gathering.length, '/incidents?state=gathering')}
${resolvedSection(overview.resolved, now)}${quietSection(overview.quiet, now)}${silenceSection(overview.silences, overview.people, now)}${heartbeatSection(overview.heartbeats, now)}
${preview === undefined ? undefined : previewSection(preview, now)}
</main>`,
  ];
  return layout('Quell', REFRESH_S, parts, overview.rulesVersion);
}

const PREVIEW_NOTICE = html`<p class="notice">No Slack token: this page shows the messages that Quell would post.</p>`;

function rulesNotice({ rulesRefused, rulesVersion }: Overview): Html | undefined {
  if (rulesRefused === undefined) return undefined;
  return html`<div class="notice">The rules files have mistakes. Rules ${rulesVersion} stay in force until they are well.<pre>${rulesRefused}</pre></div>`;
}

function quarantineNotice({ quarantined }: Overview): Html | undefined {
  if (quarantined === 0) return undefined;
  const what = `${count(quarantined, 'alert')} could not be understood since the start`;
  return html`<p class="notice">${what}: <a href="/decisions?reason=quarantined">see why</a>.</p>`;
}

function more(number: number, address: string): Html | undefined {
  if (number <= 0) return undefined;
  return html`<p class="soft">and ${number} more: <a href="${address}">all of them</a></p>`;
}

function incidentCard({ incident, text }: OpenIncident, now: Instant): Html {
  const shown = text ?? `${DOTS[incident.severity]} ${incident.title}`;
  const why = text === undefined ? 'why is it told so?' : 'why this message?';
  return html`<article class="${incident.severity}">${message(shown)}
<footer><span>${incident.channel ?? ''}</span><span>${stateInWords(incident, now)}</span>
<a href="${incidentPath(incident.id)}">${why}</a></footer></article>`;
}

const SERVICES_SHOWN = 3;

function heldCard({ incident, tellAt }: HeldIncident, now: Instant): Html {
  const { id, severity, title, alerts, environment, services } = incident;
  const names = services.map(({ name }) => name);
  const facts = `${count(alerts.total, 'alert')}, ${alerts.firing} firing`;
  const when =
    tellAt === undefined
      ? stateInWords(incident, now)
      : `told at ${momentInWords(tellAt, now)} if it still fires`;
  return html`<article class="${severity}"><p>${DOTS[severity]} ${title}</p>
<footer><span>${list(names, SERVICES_SHOWN)}</span><span>${severityWord(severity)} in ${environment}</span>
<span>${facts}</span><span>${when}</span><a href="${incidentPath(id)}">why is it quiet?</a></footer></article>`;
}

function quietSection(quiet: readonly DecisionJson[], now: Instant): Html {
  if (quiet.length === 0)
    return html`<h2>Lately quiet</h2><p class="quiet">Nothing was kept quiet lately.</p>`;
  const rows = quiet.map(({ at, text, fingerprint, incident, service }) => {
    const path =
      fingerprint !== null
        ? alertPath(fingerprint)
        : incident === null
          ? undefined
          : incidentPath(incident);
    const name = service ?? 'an alert';
    const who = path === undefined ? html`${name}` : html`<a href="${path}">${name}</a>`;
    return html`<li><time datetime="${at}">${clock(at, now)}</time><span>${who} ${text}</span></li>`;
  });
  const kinds = KEPT_QUIET.map(
    (reason, index) =>
      html`${index === 0 ? '' : ', '}<a href="/decisions?reason=${reason}">${reason}</a>`,
  );
  return html`<h2>Lately quiet: what nobody was told of, and why</h2><ul>${rows}</ul>
<p class="soft">Times are UTC. All of a kind: ${kinds}</p>`;
}

function resolvedSection(resolved: readonly IncidentJson[], now: Instant): Html | undefined {
  if (resolved.length === 0) return undefined;
  const rows = resolved.map(
    (
      incident,
    ) => html`<li><time datetime="${incident.resolvedAt ?? ''}">${clock(incident.resolvedAt ?? '', now)}</time>
<span><a href="${incidentPath(incident.id)}">${incident.title}</a> <span class="soft">${count(incident.alerts.total, 'alert')}, ${incident.environment}</span></span></li>`,
  );
  return html`<h2>Lately over</h2><ul>${rows}</ul>
<p class="soft">Times are UTC. <a href="/incidents?state=resolved">All of them</a></p>`;
}

const SILENCES_SHOWN = 50;

/** Those that last, and those that will begin, the next to end first. */
function silenceSection(
  silences: readonly SilenceJson[],
  people: People,
  now: Instant,
): Html | undefined {
  if (silences.length === 0) return undefined;
  const rows = silences.slice(0, SILENCES_SHOWN).map((silence) => silenceRow(silence, people, now));
  const others = silences.length - SILENCES_SHOWN;
  const rest = others > 0 ? html`${count(others, 'silence')} more are not shown. ` : undefined;
  return html`<h2>Silences</h2><ul>${rows}</ul>
<p class="soft">${rest}Times are UTC. <a href="/silences">All of them</a>, <a href="/alerts?state=silenced">what is silenced</a>, <a href="/decisions?reason=silence-set">who set them</a></p>`;
}

function heartbeatSection(heartbeats: readonly Heartbeat[], now: Instant): Html | undefined {
  if (heartbeats.length === 0) return undefined;
  const rows = heartbeats.map(({ name, lastSeenAt, missingAt, incident }) => {
    const heard = lastSeenAt === undefined ? 'never heard' : `last heard ${ago(lastSeenAt, now)}`;
    const due =
      incident === undefined
        ? html`missing at ${momentInWords(missingAt, now)}`
        : html`<a href="${incidentPath(incident)}">missing</a>`;
    return html`<li><a href="${alertPath(name)}">${name}</a><span>${heard}, ${due}</span></li>`;
  });
  return html`<h2>Heartbeats</h2><ul>${rows}</ul>`;
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
  post: 'would have been posted to',
  update: 'would have been updated in',
  reply: 'would have been said in a thread of',
  digest: 'would have been the digest for',
} as const satisfies Record<PreviewMessage['action'], string>;
