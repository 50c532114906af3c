/** The links of a message: only such as lead somewhere, the most useful first. */
import type { MessageView } from '../view.ts';
import { cut, type Line, link, type Piece } from './rich.ts';
import { spelledOut } from './words.ts';

const NAME_MAX = 60;

export function links({ links, transactions }: MessageView): Piece[] {
  const [transaction] = transactions.ids;
  const logs = transaction === undefined ? 'Logs' : `Logs of ${cut(transaction, NAME_MAX)}`;
  return [
    link(links.runbook, runbookTitle(links.runbook, links.runbookOf)),
    link(
      links.otherRunbook?.address,
      runbookTitle(links.otherRunbook?.address, links.otherRunbook?.of),
    ),
    link(links.dashboard, `Dashboard${of(links.dashboardOf)}`),
    link(links.logs, logs),
    link(links.source, 'Source'),
    link(links.silence, 'Silence'),
    link(links.explain, 'Why this message?'),
  ].filter((piece) => piece !== undefined);
}

export function why(view: MessageView): Line[] {
  const explain = link(view.links.explain, 'Why this message?');
  return explain === undefined ? [] : [[explain]];
}

/** `…/postgres-connection-exhaustion.html` says more than "Runbook" alone. */
function runbookTitle(address: string | undefined, service: string | undefined): string {
  const kind = `Runbook${of(service)}`;
  if (address === undefined || !URL.canParse(address)) return kind;
  const { pathname, hash } = new URL(address);
  const last = (hash.length > 2 ? hash.slice(1) : pathname.split('/').findLast(Boolean)) ?? '';
  const title = spelledOut(decoded(last).replace(/\.(html?|md|adoc)$/i, ''));
  const says = /^\p{L}[\p{L}\p{N} ]{3,60}$/u.test(title) && !/^(run ?books?|index)$/i.test(title);
  const repeats = service !== undefined && title === spelledOut(service);
  return says && !repeats ? `${kind}: ${title}` : kind;
}

/** Whoever reads it thinks of the likely cause first. */
function of(service: string | undefined): string {
  const name = cut(service ?? '', NAME_MAX);
  return name === '' ? '' : ` of ${name}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return '';
  }
}
