/**
 * HTML as a tagged template: every value is escaped, unless it is HTML made here. So nothing that an
 * alert says can become mark-up.
 */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | undefined | readonly (Html | undefined)[];

export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  let text = strings[0] ?? '';
  for (const [index, value] of values.entries()) text += render(value) + (strings[index + 1] ?? '');
  return { html: text };
}

function render(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  if ('html' in value) return value.html;
  return value.map((one) => one?.html ?? '').join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Also takes away characters that turn the reading direction round, or cannot stand in HTML. */
function escapeHtml(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replaceAll(UNWANTED, '\ufffd');
}

const UNWANTED = /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]/gu;

/** Text with its web addresses as links that tell the target nothing of where they stood. */
export function linked(text: string): Html {
  const parts = text.split(/(https?:\/\/[^\s<>"')\]]+)/);
  const rendered = parts.map((part, index) => {
    if (index % 2 === 0 || !URL.canParse(part)) return escapeHtml(part);
    return html`<a href="${part}" rel="noreferrer noopener">${part}</a>`.html;
  });
  return { html: rendered.join('') };
}
