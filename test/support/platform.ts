/** A platform for Prometheus to watch: services that a test lets fail and recover. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Platform {
  /** host:port, for Prometheus to scrape. */
  readonly target: string;
  fail(...services: readonly string[]): void;
  recover(...services: readonly string[]): void;
}

export async function startPlatform(...services: readonly string[]): Promise<Platform> {
  const up = new Map(services.map((service) => [service, true]));
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end([...up].map(([service, isUp]) => sample(service, isUp)).join(''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  onTestFinished(() => server.closeAllConnections());
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const set = (names: readonly string[], isUp: boolean) => {
    for (const name of names) {
      if (!up.has(name)) throw new Error(`the platform has no ${name}`);
      up.set(name, isUp);
    }
  };
  return {
    target: `127.0.0.1:${port}`,
    fail: (...names) => set(names, false),
    recover: (...names) => set(names, true),
  };
}

function sample(service: string, isUp: boolean): string {
  return `service_up{service="${service}",environment="production"} ${isUp ? 1 : 0}\n`;
}
