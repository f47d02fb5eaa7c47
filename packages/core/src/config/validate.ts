/** Checks a tree against a schema and turns every issue into a problem with path, origin and suggestion. */
import type { z } from 'zod';
import type { ConfigOrigin } from './config-origin.ts';
import type { ConfigPath } from './config-path.ts';
import type { ConfigProblem } from './config-problem.ts';
import { mapLeaves, mergeNodes, nodeAt, valueOf, type ConfigNode } from './config-tree.ts';
import { issueText } from './issue-text.ts';
import { redact } from './redact.ts';
import { resolveReferences, type ReferenceSources } from './references.ts';
import { SchemaShape } from './schema-shape.ts';
import { closest, simplify } from './suggest.ts';
import { variableOfPath } from './variable-layer.ts';

export interface ValidateOptions<Value> {
  readonly node: ConfigNode;
  /** Where the node stands in the configuration, for messages. */
  readonly path: ConfigPath;
  readonly schema: z.ZodType<Value>;
  readonly sources: ReferenceSources;
}

export interface Validated<Value> {
  /** Defaults in place, references resolved; `undefined` when there are problems. */
  readonly value: Value | undefined;
  readonly problems: readonly ConfigProblem[];
  /** What was written, with keys from variables spelt as the schema has them and references as they are. */
  readonly written: ConfigNode;
  readonly shape: SchemaShape;
}

/** Resolves references, then parses with the schema. */
export async function validateNode<Value>(options: ValidateOptions<Value>): Promise<Validated<Value>> {
  const { schema, path, sources } = options;
  const shape = new SchemaShape(schema);
  const named = nameVariableKeys(options.node, shape, path);
  const { node, problems } = resolveReferences(named.node, path, sources);
  const before = [...named.problems, ...problems];

  const parsed = await parse(schema, node);
  const written = named.node;
  if (parsed.success && before.length === 0) return { value: parsed.data, problems: [], written, shape };
  const unresolved = new Set(problems.map((problem) => problem.path.join('\0')));
  const issues = (parsed.error?.issues ?? [])
    .flatMap((issue) => problemsOf(issue, { written, path, shape }))
    // A reference that leads nowhere is told once, not again as a text that does not fit.
    .filter((problem) => !unresolved.has(problem.path.join('\0')));
  return { value: undefined, problems: [...before, ...issues], written, shape };
}

/** Parses; a variable's `12345` that should be a text is taken as the text it was. */
async function parse<Value>(schema: z.ZodType<Value>, node: ConfigNode): Promise<z.ZodSafeParseResult<Value>> {
  const first = await schema.safeParseAsync(valueOf(node));
  const texts = new Set(
    (first.error?.issues ?? [])
      .filter((issue) => issue.code === 'invalid_type' && issue.expected === 'string')
      .map((issue) => issue.path.map(String).join('\0')),
  );
  if (texts.size === 0) return first;
  const asText = mapLeaves(node, (leaf, path) =>
    leaf.text !== undefined && texts.has(path.join('\0')) ? { ...leaf, value: leaf.text } : leaf,
  );
  return schema.safeParseAsync(valueOf(asText));
}

interface IssueContext {
  /** The tree with references unresolved: only what stands here may be shown. */
  readonly written: ConfigNode;
  readonly path: ConfigPath;
  readonly shape: SchemaShape;
}

function problemsOf(issue: z.core.$ZodIssue, context: IssueContext): readonly ConfigProblem[] {
  const local = issue.path.filter((segment) => typeof segment !== 'symbol');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, local, context));
  const { written, path, shape } = context;
  const found = nodeAt(written, local);
  const value =
    found === undefined
      ? undefined
      : redact(valueOf(found), [...path, ...local], (at) => shape.isSecret(at.slice(path.length)));
  const message = issueText(issue, value);
  if (found === undefined) {
    const hint = `set it in a configuration file or as ${variableOfPath([...path, ...local])}`;
    return [{ path: [...path, ...local], message, ...(message === 'is required' ? { hint } : {}) }];
  }
  const hint =
    issue.code === 'invalid_value' && typeof value === 'string' ? closest(value, issue.values.map(String)) : undefined;
  return [
    {
      path: [...path, ...local],
      message,
      origin: found.origin,
      ...(hint === undefined ? {} : { hint: `did you mean ${hint}?` }),
    },
  ];
}

function unknownKey(key: string, local: ConfigPath, { written, path, shape }: IssueContext): ConfigProblem {
  const known = shape.keysAt(local);
  const suggestion = closest(key, known);
  const origin = nodeAt(written, [...local, key])?.origin;
  const hint =
    suggestion !== undefined
      ? `did you mean ${suggestion}?`
      : known.length > 0
        ? `known keys: ${known.join(', ')}`
        : undefined;
  return {
    path: [...path, ...local, key],
    message: 'unknown key',
    ...(origin === undefined ? {} : { origin }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/**
 * Gives keys that come from a variable's name the spelling that the schema has (`MEMORY_MIB` is `memoryMiB`). The keys of a
 * free map cannot be spelt in a variable's name, so they must come as its value.
 */
function nameVariableKeys(
  root: ConfigNode,
  shape: SchemaShape,
  rootPath: ConfigPath,
): { readonly node: ConfigNode; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const visit = (node: ConfigNode, path: ConfigPath): ConfigNode => {
    if (node.kind !== 'map') return node;
    const known = shape.keysAt(path);
    const entries = new Map<string, ConfigNode>();
    for (const [key, child] of node.entries) {
      const fromName = isFromVariableName(child.origin, rootPath.length + path.length + 1);
      const name = fromName ? (known.find((candidate) => simplify(candidate) === simplify(key)) ?? key) : key;
      if (fromName && !known.includes(name) && shape.isFreeMap(path)) {
        problems.push(unspeakableKey([...rootPath, ...path], key, child.origin));
      }
      const beside = entries.get(name);
      const visited = visit(child, [...path, name]);
      entries.set(name, beside === undefined ? visited : mergeByRank(beside, visited));
    }
    return { ...node, entries };
  };
  return { node: visit(root, []), problems };
}

const isFromVariableName = (origin: ConfigOrigin, depth: number): boolean =>
  origin.kind === 'variable' && depth <= origin.name.split('__').length;

// Variables lie above files and below code, whichever spelling of a key came first.
const mergeByRank = (beside: ConfigNode, variable: ConfigNode): ConfigNode =>
  beside.origin.kind === 'code' && beside.kind !== 'map' ? beside : mergeNodes(beside, variable);

function unspeakableKey(path: ConfigPath, key: string, origin: ConfigOrigin): ConfigProblem {
  return {
    path: [...path, key],
    message: 'the keys of this map cannot be told from a variable’s name',
    origin,
    hint: `give the whole map as its value: ${variableOfPath(path)}='{name: value}'`,
  };
}
