/** A real redis-server that is spoken to by TLS only, with a certificate of an authority that nobody knows. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort, startRedis } from './redis.ts';
import { scratchDir } from './scratch-dir.ts';

export interface TlsRedis {
  readonly url: string;
  /** File with the authority's certificate. */
  readonly ca: string;
}

/** Ends with the test. */
export async function startTlsRedis(): Promise<TlsRedis> {
  const dir = scratchDir('tls');
  const { ca, cert, key } = makeCertificates(dir);
  const port = await freePort();
  const settings = {
    '--port': '0',
    '--tls-port': String(port),
    '--tls-auth-clients': 'no',
    '--tls-cert-file': cert,
    '--tls-key-file': key,
    '--tls-ca-cert-file': ca,
  };
  const redis = await startRedis(Object.entries(settings).flat());
  onTestFinished(() => redis.dispose());
  return { url: `rediss://127.0.0.1:${port}`, ca };
}

function makeCertificates(dir: string) {
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const forADay = ['-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  openssl('req', '-x509', ...forADay, '-subj', '/CN=ca', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl(
    'req',
    ...forADay.slice(2),
    '-subj',
    '/CN=redis',
    '-keyout',
    'key.pem',
    '-out',
    'csr.pem',
  );
  writeFileSync(join(dir, 'names.txt'), 'subjectAltName=IP:127.0.0.1\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-extfile', 'names.txt', '-days', '1'];
  openssl('x509', '-req', '-in', 'csr.pem', ...signed, '-out', 'cert.pem');
  return { ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
}
