/** Describes the keys of a schema in words, for reference pages and commented configuration files. */
import { z } from 'zod';
import type { JsonSchema } from './schema-shape.ts';

export interface KeyDescription {
  readonly path: readonly string[];
  /** What may stand there: `whole number >= 1`, `one of fast, careful`, `list of texts`. */
  readonly type: string;
  readonly description: string | undefined;
  /** `undefined` where there is none. */
  readonly default: unknown;
  readonly required: boolean;
  readonly secret: boolean;
  /** Whether it only holds the keys that follow. */
  readonly isSection: boolean;
}

/** All keys in the schema's order, sections before what they hold. */
export function describeKeys(schema: z.ZodType): readonly KeyDescription[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return describeProperties(root, []);
}

function describeProperties(schema: JsonSchema, path: readonly string[]): readonly KeyDescription[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const inside = sectionOf(property);
    const isSection = inside !== undefined && typeText(property) === 'section';
    const description: KeyDescription = {
      path: [...path, key],
      type: typeText(property),
      description: property.description,
      default: isSection ? undefined : property.default,
      required: schema.required?.includes(key) === true,
      secret: property.secret === true,
      isSection,
    };
    return [description, ...(inside === undefined ? [] : describeProperties(inside, [...path, key]))];
  });
}

/** The alternative of a schema that has keys of its own; several such are told apart by reading their type. */
function sectionOf(schema: JsonSchema): JsonSchema | undefined {
  const alternatives = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter(
    ({ properties }) => properties !== undefined,
  );
  return alternatives.length === 1 ? alternatives[0] : undefined;
}

function typeText(schema: JsonSchema): string {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) {
    // Alternatives that only code can give (a plugin's descriptor) have no words in a schema; the description tells of them.
    const words = new Set(alternatives.map(typeText).filter((text) => text !== 'anything'));
    return words.size === 0 ? 'anything' : [...words].join(' or ');
  }
  if (schema.enum !== undefined) return `one of ${schema.enum.map(String).join(', ')}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const { type } = schema;
  if (typeof type === 'object') return type.map((single) => typeText({ ...schema, type: single })).join(' or ');
  switch (type) {
    case 'integer':
      return `whole number${bounds(schema)}`;
    case 'number':
      return `number${bounds(schema)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return `list of ${schema.items === undefined ? 'anything' : typeText(schema.items)}`;
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `map of ${typeText(schema.additionalProperties)}`
        : 'section';
    default:
      return 'anything';
  }
}

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const limits = [
    minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : `>= ${minimum}`,
    exclusiveMinimum === undefined ? undefined : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : `<= ${maximum}`,
    exclusiveMaximum === undefined ? undefined : `< ${exclusiveMaximum}`,
  ].filter((limit) => limit !== undefined);
  return limits.length === 0 ? '' : ` ${limits.join(' and ')}`;
}
