/**
 * JSON Schemas of the files that people write, made of the zod schemas that Quell reads them with, so
 * that editors complete and explain keys. Draft 7, because editors know it best.
 *
 * They accept what Quell accepts. What Quell refuses for how entries refer to each other, they cannot
 * know: `quell check` has the last word.
 */
import { z } from 'zod';
import { TestFile } from '../../src/rule-tests/schema.ts';
import { LISTS, NAMED, SINGLES, SPELLINGS } from '../../src/rules/compile/schema.ts';
import { SHAPE } from '../../src/limits.ts';
import { KEY_HELP } from './key-help.ts';

type Json = z.core.JSONSchema.BaseSchema;

/** Published under these addresses; the files lie in schema/. */
export const SCHEMAS = {
  'rules.schema.json': rulesSchema,
  'rules-test.schema.json': testsSchema,
} as const;

function rulesSchema(): Json {
  const lists = Object.entries(LISTS).map(([key, entry]) => [key, listOf(entry)] as const);
  const spelled = Object.entries(SPELLINGS).map(([key, of]) => [key, listOf(LISTS[of])] as const);
  const named = Object.entries(NAMED).map(
    ([key, entry]) => [key, z.record(z.string(), entry)] as const,
  );
  const singles = Object.entries(SINGLES);
  const keys = [...lists, ...spelled, ...singles, ...named];
  // A key with nothing but comments under it is empty for YAML, and says nothing.
  const file = z.strictObject(
    Object.fromEntries(keys.map(([key, schema]) => [key, schema.nullish()])),
  );
  const schema = convert(file, 'Rules of Quell');
  explainRules(schema);
  return schema;
}

function listOf(entry: z.ZodType) {
  return z.array(entry).max(SHAPE['rules-list']);
}

function testsSchema(): Json {
  return convert(TestFile, 'Tests of rules of Quell');
}

function convert(schema: z.ZodType, title: string): Json {
  const converted = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => addShorterWays(jsonSchema),
  });
  const { $schema, ...rest } = converted;
  return { ...($schema === undefined ? {} : { $schema }), title, ...rest };
}

/** What may be written besides the full shape: schema-parts.ts says it in `besides`. */
function addShorterWays(json: Json): void {
  const { besides } = json;
  if (besides === undefined) return;
  const { description, besides: _, id: __, ...full } = json;
  const shorter = shorterWays(full, besides);
  for (const key of Object.keys(json)) delete json[key];
  json.anyOf = [...shorter, full];
  if (description !== undefined) json.description = description;
}

function shorterWays(full: Json, besides: unknown): readonly Json[] {
  if (besides === 'one item') return [full.items as Json];
  if (besides === 'from') return [full.properties?.['from'] as Json];
  // At the border: the metadata of our own schemas.
  return [besides as Json];
}

// --- descriptions -----------------------------------------------------------------------------

/** Shapes within others, by a key that only they have. */
const INNER: readonly (readonly [string, string])[] = [
  ['start_time', 'times'],
  ['days_of_month', 'interval'],
  ['routes', 'route'],
  ['after', 'escalate'],
  ['default', 'fact'],
  ['resolved', 'status'],
];

function explainRules(file: Json): void {
  const keys = Object.entries(file.properties ?? {});
  describe(file, '');
  for (const [key, schema] of keys) visit(schema, SPELLINGS[key] ?? key);
  for (const [name, schema] of Object.entries(file.definitions ?? {})) visit(schema, name);
}

/** Descriptions for the keys of all objects below. */
function visit(schema: unknown, name: string): void {
  if (typeof schema !== 'object' || schema === null) return;
  if (Array.isArray(schema)) return schema.forEach((one) => visit(one, name));
  // At the border: a JSON Schema is made of objects.
  const json = schema as Json;
  const properties = json.properties ?? {};
  const inner = INNER.find(([key]) => key in properties)?.[1];
  if (json.properties !== undefined) describe(json, shapeOf(properties, name, inner));
  for (const value of Object.values(json)) visit(value, name);
}

function shapeOf(properties: object, name: string, inner: string | undefined): string {
  if ('from' in properties && !('resolved' in properties)) return 'fact';
  // A time interval has the keys of an interval, and a name.
  if (inner === 'interval' && 'name' in properties) return name;
  return inner ?? name;
}

function describe(json: Json, shape: string): void {
  const help = { ...KEY_HELP[shape], ...(shape === 'timeIntervals' ? KEY_HELP['interval'] : {}) };
  for (const [key, schema] of Object.entries(json.properties ?? {})) {
    const description = help[key];
    if (typeof schema === 'object' && description !== undefined) schema.description = description;
  }
}
