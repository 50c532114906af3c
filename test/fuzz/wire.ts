/**
 * A connection to the real HTTP server without a socket: bytes go in and answers come out through
 * memory, so that thousands of requests a second pass Node's own parser.
 */
import type { Server } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';

export interface Reply {
  /** 0: the server closed the connection and said nothing. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Each on a connection of its own: what a hostile request leaves behind is no answer to the next. */
export interface Wire {
  exchange(bytes: Buffer): Promise<Reply>;
  /** For bytes that may be no request: everything that comes until the server closes. */
  once(bytes: Buffer): Promise<Reply>;
}

interface Open {
  readonly ours: Duplex;
  readonly received: Buffer[];
  closed: boolean;
  changed: () => void;
}

/** Nothing takes this long: what does hangs. */
const HANGS_MS = 20_000;

export function createWire(server: Server): Wire {
  return {
    async exchange(bytes) {
      const open = connect(server);
      open.ours.write(bytes);
      const reply = await answerOn(open, false);
      open.ours.destroy();
      return reply;
    },
    async once(bytes) {
      const open = connect(server);
      open.ours.end(bytes);
      const reply = await answerOn(open, true);
      open.ours.destroy();
      return reply;
    },
  };
}

function connect(server: Server): Open {
  const [ours, theirs] = duplexPair();
  const open: Open = { ours, received: [], closed: false, changed: () => undefined };
  ours.on('data', (chunk: Buffer) => {
    open.received.push(chunk);
    open.changed();
  });
  const closed = () => {
    open.closed = true;
    open.changed();
  };
  ours.on('end', closed).on('close', closed).on('error', closed);
  // A server that refuses what it reads may close while we write.
  theirs.on('error', () => undefined);
  theirs.on('close', closed);
  server.emit('connection', theirs);
  return open;
}

function answerOn(open: Open, untilClosed: boolean): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no answer: it hangs')), HANGS_MS);
    const look = () => {
      const reply = parse(Buffer.concat(open.received), open.closed);
      if (reply === undefined || (untilClosed && !open.closed)) return;
      clearTimeout(late);
      open.changed = () => undefined;
      resolve(reply);
    };
    open.changed = look;
    look();
  });
}

const NOTHING: Reply = { status: 0, headers: new Map(), body: '' };

/** Undefined: more is to come. All our answers have a length. */
function parse(bytes: Buffer, closed: boolean): Reply | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return closed ? NOTHING : undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const body = bytes.subarray(end + 4);
  const length = Number(headers.get('content-length') ?? 0);
  if (body.length < length && !closed) return undefined;
  return { status: Number(first.split(' ')[1]), headers, body: body.toString('utf8') };
}
