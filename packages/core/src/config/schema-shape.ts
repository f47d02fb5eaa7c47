/**
 * What a zod schema knows of its keys, read from its JSON Schema: for suggestions, for variables whose names cannot tell
 * `memoryMiB` from `memoryMib`, and for secrets (`z.string().meta({ secret: true })`).
 */
import { z } from 'zod';
import type { ConfigPath } from './config-path.ts';

/** The part of JSON Schema that zod writes and that is read here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly secret?: boolean;
}

export class SchemaShape {
  readonly #root: JsonSchema;

  constructor(schema: z.ZodType) {
    this.#root = jsonSchemaOf(schema);
  }

  /** The keys that may stand in the map at a path, of all its alternatives. */
  keysAt(path: ConfigPath): readonly string[] {
    return [...new Set(this.#at(path).flatMap((schema) => Object.keys(schema.properties ?? {})))];
  }

  /** Whether the map at a path takes keys of the user's own: labels, environment variables. */
  isFreeMap(path: ConfigPath): boolean {
    return this.#at(path).some((schema) => typeof schema.additionalProperties === 'object');
  }

  /** Whether the schema marks the value at a path, or what holds it, as secret. */
  isSecret(path: ConfigPath): boolean {
    return path.some((_segment, index) => this.#at(path.slice(0, index + 1)).some((schema) => schema.secret === true));
  }

  #at(path: ConfigPath): readonly JsonSchema[] {
    return path.reduce<readonly JsonSchema[]>(
      (schemas, segment) => schemas.flatMap((schema) => this.#alternatives(stepInto(schema, segment))),
      this.#alternatives(this.#root),
    );
  }

  // A schema may refer to itself; `seen` ends the walk there.
  #alternatives(schema: JsonSchema | undefined, seen: ReadonlySet<JsonSchema> = new Set()): readonly JsonSchema[] {
    if (schema === undefined || seen.has(schema)) return [];
    const inside = new Set(seen).add(schema);
    const nested = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
    const referred = schema.$ref === undefined ? undefined : this.#definition(schema.$ref);
    return [schema, ...[referred, ...nested].flatMap((alternative) => this.#alternatives(alternative, inside))];
  }

  #definition(reference: string): JsonSchema | undefined {
    if (reference === '#') return this.#root;
    return this.#root.$defs?.[reference.replace('#/$defs/', '')];
  }
}

function stepInto(schema: JsonSchema, segment: string | number): JsonSchema | undefined {
  if (typeof segment === 'number') return schema.prefixItems?.[segment] ?? schema.items;
  const properties = schema.properties ?? {};
  if (Object.hasOwn(properties, segment)) return properties[segment];
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

// A plugin may bring a schema that has no JSON form, or one of another version of zod; then there are no suggestions.
function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  try {
    return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  } catch {
    return {};
  }
}
