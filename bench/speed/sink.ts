/**
 * Where messages end: answers Alertmanager's webhooks and Slack's methods at once, and tells whoever
 * waits that a text with a certain word in it came.
 */
import { createServer } from 'node:http';

export interface Sink {
  readonly port: number;
  /** Requests so far. */
  readonly received: number;
  /** Resolves with the instant (performance.now) at which a request with this word in it was there. */
  wait(word: string): Promise<number>;
  close(): void;
}

export async function startSink(): Promise<Sink> {
  const waiting = new Map<string, (at: number) => void>();
  let received = 0;
  const server = createServer((request, response) => {
    const at = performance.now();
    received += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ ok: true, channel: 'C1', ts: `${Date.now()}.${received}`, messages: [] }),
      );
      if (waiting.size === 0) return;
      const text = Buffer.concat(chunks).toString();
      for (const [word, tell] of waiting) {
        if (!text.includes(word)) continue;
        waiting.delete(word);
        tell(at);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return {
    port: address.port,
    get received() {
      return received;
    },
    wait: (word) =>
      new Promise((resolve) => {
        waiting.set(word, resolve);
      }),
    close: () => server.close(),
  };
}
