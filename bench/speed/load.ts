/**
 * Posts bodies over a few connections that are kept open, and does little else: a socket, a head that
 * is made once for each length, and a search for the status line.
 */
import { connect, type Socket } from 'node:net';
import { type Body, stamp } from './alerts.ts';

export interface Connection {
  /** Resolves with the milliseconds until the whole answer was there. Any status but 200 is an error. */
  post(body: Body): Promise<number>;
  close(): void;
}

export async function openConnection(port: number, path = '/api/v2/alerts'): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  return connectionOn(socket, path);
}

function connectionOn(socket: Socket, path: string): Connection {
  let waiting: { resolve: (ms: number) => void; reject: (error: Error) => void } | undefined;
  let began = 0;
  let answer = '';
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
    if (!isWhole(answer)) return;
    const text = answer;
    answer = '';
    if (!/^HTTP\/1\.1 20[02] /.test(text)) return fail(new Error(`answered ${text.slice(0, 300)}`));
    waiting?.resolve(performance.now() - began);
    waiting = undefined;
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  const heads = new Map<number, Buffer>();
  return {
    post(body) {
      const bytes = stamp(body, Date.now());
      let head = heads.get(bytes.length);
      if (head === undefined) {
        head = Buffer.from(
          `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`,
        );
        heads.set(bytes.length, head);
      }
      began = performance.now();
      socket.cork();
      socket.write(head);
      socket.write(bytes);
      socket.uncork();
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    close: () => socket.destroy(),
  };
}

/** Both servers tell the length of what they answer. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  if (head === -1) return false;
  const length = /content-length: *(\d+)/i.exec(answer.slice(0, head))?.[1];
  if (length !== undefined) return answer.length >= head + 4 + Number(length);
  return /transfer-encoding: *chunked/i.test(answer.slice(0, head))
    ? answer.endsWith('0\r\n\r\n')
    : true;
}

/** Posts all bodies over so many connections. Returns the seconds it took. */
export async function postAll(
  port: number,
  all: readonly Body[],
  connections: number,
): Promise<number> {
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(connections, all.length) }, async () => {
      const connection = await openConnection(port);
      for (let body = all[next++]; body !== undefined; body = all[next++]) {
        await connection.post(body);
      }
      connection.close();
    }),
  );
  return (performance.now() - began) / 1_000;
}
