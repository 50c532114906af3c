/**
 * The stand-in's events: to a URL, signed, or down a Socket Mode connection. With neither, an event
 * is lost, as it is in Slack while nobody is connected.
 */
import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { BOT_USER, type StandInMessage, type Workspace } from './slack-workspace.ts';
import { acceptWebSocket, type WebSocketPeer } from './websocket-server.ts';

export interface EventsOutlet {
  /** Every event goes there from now on, signed. */
  sendEventsTo(url: string, signingSecret: string): void;
  /** Sends a payload of one's own making; the status it was answered with. */
  sendPayload(payload: unknown, headers?: Readonly<Record<string, string>>): Promise<number>;
  /** Resolves when somebody is connected by Socket Mode. */
  connected(): Promise<void>;
  /** Asks all connections to come again, as Slack does every few hours. */
  refreshConnections(): void;
  /** Cuts all connections. */
  cutConnections(): void;
  /** Leaves the next event unsent, as happens while a connection is renewed. */
  loseEvents(lose: boolean): void;
}

interface Acknowledged {
  readonly envelope_id: string;
}

export function createEvents(workspace: Workspace) {
  const peers = new Set<WebSocketPeer>();
  const acknowledgements = new Map<string, () => void>();
  let waiting: (() => void)[] = [];
  let target: { readonly url: string; readonly secret: string } | undefined;
  let lost = false;
  let counter = 0;

  function accept(request: IncomingMessage, socket: Duplex): void {
    const peer = acceptWebSocket(request, socket, {
      message(text) {
        const { envelope_id } = JSON.parse(text) as Acknowledged;
        acknowledgements.get(envelope_id)?.();
        acknowledgements.delete(envelope_id);
      },
      closed: () => void peers.delete(peer),
    });
    peer.send(JSON.stringify({ type: 'hello', num_connections: 1, connection_info: {} }));
    peers.add(peer);
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  async function post(payload: unknown, headers: Readonly<Record<string, string>> = {}) {
    if (target === undefined) throw new Error('sendEventsTo was not called');
    const body = JSON.stringify(payload);
    const at = String(Math.floor(Date.now() / 1_000));
    const hash = createHmac('sha256', target.secret).update(`v0:${at}:${body}`).digest('hex');
    const signed = { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${hash}` };
    const response = await fetch(target.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed, ...headers },
      body,
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Resolves when the receiver has acknowledged it. */
  async function send(payload: unknown): Promise<void> {
    if (lost) return;
    const [peer] = peers;
    if (peer !== undefined) {
      const envelope_id = `envelope-${++counter}`;
      const acknowledged = new Promise<void>((resolve) => {
        acknowledgements.set(envelope_id, resolve);
      });
      const envelope = {
        type: 'events_api',
        envelope_id,
        payload,
        accepts_response_payload: false,
      };
      peer.send(JSON.stringify(envelope));
      return acknowledged;
    }
    if (target === undefined) return;
    const status = await post(payload);
    if (status >= 300) throw new Error(`the event was answered with ${status}`);
  }

  function reaction(
    type: 'reaction_added' | 'reaction_removed',
    reaction: string,
    { channel, ts }: StandInMessage,
    user: string,
  ): Promise<void> {
    const item = { type: 'message', channel, ts };
    const event_ts = workspace.stamp();
    const event = { type, user, reaction, item, item_user: BOT_USER, event_ts };
    return send({
      token: 'verification',
      team_id: 'T1',
      api_app_id: 'A1',
      type: 'event_callback',
      event,
      event_id: `Ev${++counter}`,
      event_time: Math.floor(Number(event_ts)),
      authorizations: [{ team_id: 'T1', user_id: BOT_USER, is_bot: true }],
    });
  }

  const outlet: EventsOutlet = {
    sendEventsTo: (url, secret) => void (target = { url, secret }),
    sendPayload: post,
    connected: () =>
      peers.size > 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve)),
    refreshConnections() {
      const request = JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' });
      for (const peer of peers) peer.send(request);
    },
    cutConnections() {
      for (const peer of peers) peer.destroy();
      peers.clear();
    },
    loseEvents: (lose) => void (lost = lose),
  };
  return { accept, reaction, outlet, close: () => outlet.cutConnections() };
}
