/**
 * What one Redis and some instances carry, and what they need for it.
 *
 *     npm run build && npx tsx bench/scale/run.ts [instances following lanes memory history large]
 *         [--alerts 100000] [--write]
 *
 * Without names all parts run. `--write` puts the tables into bench/scale/RESULTS.md. CPU is what the
 * kernel counts for each process; it carries over to other machines better than alerts a second.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine, markdown, type Table } from './markdown.ts';
import { PARTS } from './parts.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    alerts: { type: 'string', default: '100000' },
    write: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const before = machine();
  const tables: Table[] = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(PARTS)) {
    const part = PARTS[name];
    if (part === undefined) throw new Error(`no part is called ${name}`);
    console.log(`${name} ...`);
    tables.push(await part({ alerts: Number(values.alerts) }));
  }
  const text = [before, ...tables.map(markdown)].join('\n\n');
  console.log(`\n${text}`);
  if (values.write) writeFileSync('bench/scale/RESULTS.md', `${HEADING}\n\n${text}\n`);
}

const HEADING = `# Scale: instances on one Redis

How: \`npm run build && npx tsx bench/scale/run.ts --write\`; what each part does: parts.ts. Redis writes
its log with appendfsync everysec. Alerts are about 800 bytes, posted to \`/api/v2/alerts\` over 8
connections to each instance; the sender runs on the same machine.`;

await main();
