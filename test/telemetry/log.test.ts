import { expect, test } from 'vitest';
import { createLog } from '../../src/telemetry/log.ts';

function logged(
  write: (log: ReturnType<typeof createLog>) => void,
): readonly Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  // pino writes one JSON object a line.
  write(
    createLog('info', {
      write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    }),
  );
  return lines;
}

test('a line is JSON with level, time and a constant sentence', () => {
  const [line] = logged((log) => log.info({ incident: '7Q2K' }, 'incident opened'));
  expect(line).toMatchObject({ level: 'info', incident: '7Q2K', message: 'incident opened' });
  expect(line?.['time']).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/);
});

test('fields that could hold a secret are blanked', () => {
  const lines = logged((log) => {
    log.info({ token: 'hush' }, 'one');
    log.info({ headers: { authorization: 'Bearer hush', cookie: 'hush' } }, 'two');
    log.info({ config: { password: 'hush', secret: 'hush' } }, 'three');
  });
  expect(lines.length).toBe(3);
  expect(JSON.stringify(lines)).not.toContain('hush');
});

test('an error is logged with its kind, its message and where it happened', () => {
  const [line] = logged((log) => log.error({ error: new TypeError('no') }, 'failed'));
  expect(line?.['error']).toMatchObject({
    type: 'TypeError',
    message: 'no',
    stack: expect.stringContaining('log.test'),
  });
});
