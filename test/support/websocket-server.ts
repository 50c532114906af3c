/**
 * The server's half of RFC 6455, as much as Socket Mode needs: text frames, ping, close.
 *
 * Not for anything but tests: frames that arrive in fragments are refused.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export interface WebSocketPeer {
  send(text: string): void;
  /** Closes as a polite server does. */
  close(): void;
  /** Cuts the line. */
  destroy(): void;
}

export interface PeerEvents {
  readonly message: (text: string) => void;
  readonly closed: () => void;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  events: PeerEvents,
): WebSocketPeer {
  const key = `${request.headers['sec-websocket-key']}${GUID}`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
      rest = rest.subarray(frame.length);
      if (frame.opcode === TEXT) events.message(frame.payload.toString('utf8'));
      if (frame.opcode === PING) socket.write(frameOf(PONG, frame.payload));
      if (frame.opcode === CLOSE) socket.end(frameOf(CLOSE, frame.payload));
    }
  });
  socket.on('error', () => socket.destroy());
  socket.once('close', events.closed);
  return {
    send: (text) => void socket.write(frameOf(TEXT, Buffer.from(text))),
    close: () => void socket.write(frameOf(CLOSE, Buffer.from([0x03, 0xe8]))),
    destroy: () => void socket.destroy(),
  };
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly length: number;
}

function readFrame(data: Buffer): Frame | undefined {
  if (data.length < 2) return undefined;
  const opcode = data.readUInt8(0) & 0x0f;
  const short = data.readUInt8(1) & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const head = 2 + extended + 4;
  if (data.length < head) return undefined;
  const size =
    extended === 0
      ? short
      : extended === 2
        ? data.readUInt16BE(2)
        : Number(data.readBigUInt64BE(2));
  if (data.length < head + size) return undefined;
  const mask = data.subarray(head - 4, head);
  const payload = Buffer.from(data.subarray(head, head + size));
  for (let index = 0; index < size; index++) {
    payload[index] = payload.readUInt8(index) ^ mask.readUInt8(index % 4);
  }
  return { opcode, payload, length: head + size };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  if (size < 126) return Buffer.concat([Buffer.from([0x80 | opcode, size]), payload]);
  const head = Buffer.alloc(4);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(126, 1);
  head.writeUInt16BE(size, 2);
  return Buffer.concat([head, payload]);
}
