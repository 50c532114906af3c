/**
 * A line between a client and a server that can be cut as networks are cut: nobody is told, and what
 * was sent arrives late, if somebody still listens.
 */
import { EventEmitter, once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { freePort } from './redis.ts';

export interface TcpProxy {
  readonly port: number;
  cut(): void;
  /** The match in what was sent since the cut, once there is one. It arrives when the line is mended. */
  held(pattern: RegExp): Promise<RegExpExecArray>;
  mend(): void;
}

/** Ends with the test. */
export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const said = new EventEmitter();
  let held: { readonly text: string; readonly deliver: () => void }[] = [];
  let isCut = false;
  const pass = (text: string, deliver: () => void): void => {
    if (!isCut) return deliver();
    held.push({ text, deliver });
    said.emit('held');
  };
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes: Buffer) => pass(bytes.toString('latin1'), () => to.write(bytes)));
    from.on('error', () => pass('', () => to.destroy()));
    from.on('close', () => {
      sockets.delete(from);
      pass('', () => to.destroy());
    });
  };
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    join(client, upstream);
    join(upstream, client);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port,
    cut() {
      isCut = true;
    },
    async held(pattern) {
      for (;;) {
        for (const { text } of held) {
          const match = pattern.exec(text);
          if (match !== null) return match;
        }
        await once(said, 'held');
      }
    },
    mend() {
      isCut = false;
      const late = held;
      held = [];
      for (const { deliver } of late) deliver();
    },
  };
}
