/**
 * How ingest answers look. /api/v2/alerts answers as Alertmanager does, so that Prometheus and amtool
 * notice no difference; /v1/ingest answers in JSON with what became of the delivery.
 */
import type { ServerResponse } from 'node:http';
import type { AuthFailure } from '../telemetry/metrics.ts';

export interface Counts {
  readonly accepted: number;
  readonly quarantined: number;
  /** Left out by the source itself. */
  readonly truncated: number;
  /** The first few problems, each with its field. */
  readonly errors: readonly string[];
  /** The first few things that were left out, or are not known, in alerts that were taken. */
  readonly warnings: readonly string[];
}

export interface Answer {
  readonly status: number;
  /** Present when the delivery was taken. */
  readonly counts?: Counts;
  readonly error?: string | undefined;
  readonly field?: string;
  /** Why it was not admitted. */
  readonly failure?: AuthFailure;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

export interface Style {
  /** The route as metrics call it. */
  readonly route: string;
  readonly render: (answer: Answer, delivery: string) => string;
}

/** go-openapi's own code for a required body that is not there. */
const REQUIRED = 602;

export const alertmanagerStyle: Style = {
  route: '/api/v2/alerts',
  render: ({ status, error }) => {
    if (status < 300) return '';
    const code = status === 422 ? REQUIRED : status;
    return `${JSON.stringify({ code, message: error })}\n`;
  },
};

export const ingestStyle: Style = {
  route: '/v1/ingest/:source',
  render: ({ counts, error, field }, delivery) =>
    counts === undefined
      ? `${JSON.stringify({ error, field, delivery })}\n`
      : `${JSON.stringify({ ...counts, delivery })}\n`,
};

export function send(
  response: ServerResponse,
  answer: Answer,
  style: Style,
  delivery: string,
): void {
  const text = style.render(answer, delivery);
  const headers = ['X-Quell-Delivery', delivery, 'Content-Length', String(Buffer.byteLength(text))];
  if (text !== '')
    headers.push('Content-Type', 'application/json', 'X-Content-Type-Options', 'nosniff');
  if (answer.headers !== undefined) headers.push(...answer.headers);
  response.writeHead(answer.status, headers);
  response.end(text);
}
