/**
 * A validator for the part of JSON Schema (draft 7) that our schemas use; an unknown keyword throws.
 */
type Json = Readonly<Record<string, unknown>>;

/** Paths of what is wrong, like `services.0.tier`; empty when nothing is. */
export function problemsIn(value: unknown, schema: Json): readonly string[] {
  return check(value, schema, '', schema);
}

const SILENT = new Set(['$schema', 'title', 'description', 'definitions']);

function check(value: unknown, schema: Json, at: string, root: Json): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, stated]) => {
    if (SILENT.has(keyword)) return [];
    const rule = KEYWORDS[keyword];
    if (rule === undefined) throw new Error(`keyword ${keyword} at ${at}`);
    return rule({ value, stated, schema, at, root });
  });
}

interface Given {
  readonly value: unknown;
  /** The value of the keyword. */
  readonly stated: unknown;
  readonly schema: Json;
  readonly at: string;
  readonly root: Json;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Applies to values of one kind; others pass. */
function when<T>(
  isKind: (value: unknown) => value is T,
  isWell: (value: T, stated: never) => boolean,
) {
  return ({ value, stated, at }: Given) =>
    !isKind(value) || isWell(value, stated as never) ? [] : [at];
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: isText,
  number: isNumber,
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: isList,
  object: isObject,
};

const KEYWORDS: Readonly<Record<string, (given: Given) => readonly string[]>> = {
  type: ({ value, stated, at }) =>
    [stated].flat().some((type) => TYPES[String(type)]?.(value)) ? [] : [at],
  const: ({ value, stated, at }) => (value === stated ? [] : [at]),
  enum: ({ value, stated, at }) => ((stated as unknown[]).includes(value) ? [] : [at]),
  pattern: when(isText, (value, stated) => new RegExp(stated, 'u').test(value)),
  minLength: when(isText, (value, stated) => value.length >= stated),
  maxLength: when(isText, (value, stated) => value.length <= stated),
  minimum: when(isNumber, (value, stated) => value >= stated),
  maximum: when(isNumber, (value, stated) => value <= stated),
  maxItems: when(isList, (value, stated) => value.length <= stated),
  required: when(isObject, (value, stated: readonly string[]) =>
    stated.every((key) => Object.hasOwn(value, key)),
  ),
  $ref: ({ value, stated, at, root }) => {
    const name = String(stated).replace('#/definitions/', '');
    return check(value, (root['definitions'] as Record<string, Json>)[name] ?? {}, at, root);
  },
  anyOf: ({ value, stated, at, root }) => {
    const each = (stated as Json[]).map((one) => check(value, one, at, root));
    if (each.some((found) => found.length === 0)) return [];
    // What goes deepest was most likely meant.
    return [...each].sort((a, b) => (b[0]?.length ?? 0) - (a[0]?.length ?? 0))[0] ?? [at];
  },
  items: ({ value, stated, at, root }) =>
    isList(value)
      ? value.flatMap((item, i) => check(item, stated as Json, `${at}.${i}`, root))
      : [],
  properties: ({ value, stated, at, root }) =>
    isObject(value)
      ? Object.entries(stated as Record<string, Json>).flatMap(([key, one]) =>
          Object.hasOwn(value, key) ? check(value[key], one, `${at}.${key}`, root) : [],
        )
      : [],
  propertyNames: ({ value, stated, at, root }) =>
    isObject(value)
      ? Object.keys(value).flatMap((key) => check(key, stated as Json, `${at}.${key}`, root))
      : [],
  additionalProperties: ({ value, stated, schema, at, root }) => {
    if (!isObject(value)) return [];
    const known = Object.keys((schema['properties'] as object | undefined) ?? {});
    const more = Object.keys(value).filter((key) => !known.includes(key));
    if (stated === false) return more.map((key) => `${at}.${key}`);
    return more.flatMap((key) => check(value[key], stated as Json, `${at}.${key}`, root));
  },
};
