/**
 * Reads `SPLITROCK_*` variables into a tree: `SPLITROCK_BACKENDS__K8S_RABBITMQ__MAX_WORKERS=8` is
 * `backends.k8s-rabbitmq.maxWorkers: 8`. A double underscore goes a level down; empty variables count as absent.
 */
import { isAlias, isCollection, isNode, isScalar, parseDocument } from 'yaml';
import { emptyMap, mergeMaps, nodeOf, type ConfigMap, type ConfigNode } from './config-tree.ts';
import type { ConfigProblem } from './config-problem.ts';
import { closest, simplify } from './suggest.ts';

const PREFIX = 'SPLITROCK_';

/** Variables that are not configuration: the file's name, the home folder, and what tests and workers pass around. */
const OTHER_VARIABLES = /^SPLITROCK_(?:CONFIG$|HOME$|TEST_|E2E_|WORKER_)/;

/** Sections whose first level are plugin names, written in kebab-case. */
const PLUGIN_SECTIONS: ReadonlySet<string> = new Set(['backends', 'storages', 'monitorings']);

export type Environment = Readonly<Record<string, string | undefined>>;

export interface VariableLayer {
  readonly node: ConfigMap;
  readonly problems: readonly ConfigProblem[];
}

/** `rootKeys` are the configuration's own top-level keys. */
export function readVariables(env: Environment, rootKeys: readonly string[]): VariableLayer {
  const problems: ConfigProblem[] = [];
  let node = emptyMap({ kind: 'default' });
  for (const name of Object.keys(env).toSorted()) {
    const text = env[name];
    if (!name.startsWith(PREFIX) || OTHER_VARIABLES.test(name) || text === undefined || text === '') continue;
    const path = pathOfVariable(name, rootKeys);
    if (path === undefined) problems.push(unknownVariable(name, rootKeys));
    else node = mergeMaps(node, nest(path, leafOf(text, name), name));
  }
  return { node, problems };
}

/** The path that a variable names, or `undefined` if it is none of ours. */
export function pathOfVariable(name: string, rootKeys: readonly string[]): readonly string[] | undefined {
  const [first = '', ...rest] = name.slice(PREFIX.length).split('__');
  const root = rootKeys.find((key) => simplify(key) === simplify(first));
  if (root === undefined || rest.includes('')) return undefined;
  if (!PLUGIN_SECTIONS.has(root)) return [root, ...rest.map(camelCase)];
  return [root, ...rest.map((segment, index) => (index === 0 ? kebabCase(segment) : camelCase(segment)))];
}

/** How a variable that sets this path is spelt. */
export function variableOfPath(path: readonly (string | number)[]): string {
  const segments = path.map((segment) =>
    String(segment)
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replaceAll('-', '_')
      .toUpperCase(),
  );
  return PREFIX + segments.join('__');
}

const kebabCase = (segment: string): string => segment.toLowerCase().replaceAll('_', '-');
const camelCase = (segment: string): string =>
  segment.toLowerCase().replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());

function nest([key = '', ...rest]: readonly string[], leaf: ConfigNode, name: string): ConfigMap {
  const child = rest.length === 0 ? leaf : nest(rest, leaf, name);
  return { kind: 'map', entries: new Map([[key, child]]), origin: { kind: 'variable', name } };
}

/**
 * Numbers, booleans, null, quoted text and flow collections (`[a, b]`, `{a: 1}`) are read as YAML has them; all else is the text
 * itself, so that `a: b`, `#x` or `*x` in a password stay what they are.
 */
function leafOf(text: string, name: string): ConfigNode {
  const origin = { kind: 'variable', name } as const;
  const asText: ConfigNode = { kind: 'leaf', value: text, text, origin };
  const document = parseDocument(text, { prettyErrors: false });
  const root = document.contents;
  if (document.errors.length > 0 || document.warnings.length > 0 || !isNode(root) || isAlias(root)) return asText;
  if (root.comment != null || root.tag !== undefined || root.anchor !== undefined) return asText;
  if (isCollection(root)) return root.flow === true && !/[*&]/.test(text) ? nodeOf(document.toJS(), origin) : asText;
  if (!isScalar(root) || root.type?.startsWith('BLOCK') === true) return asText;
  const isPlainText = root.type === 'PLAIN' && typeof root.value === 'string';
  return isPlainText ? asText : { kind: 'leaf', value: root.value, text, origin };
}

function unknownVariable(name: string, rootKeys: readonly string[]): ConfigProblem {
  const [first = '', ...rest] = name.slice(PREFIX.length).split('__');
  const known = [...rootKeys.map((key) => variableOfPath([key])), 'SPLITROCK_CONFIG', 'SPLITROCK_HOME'];
  const suggestion = closest(PREFIX + first, known);
  return {
    path: [],
    message: 'unknown variable',
    origin: { kind: 'variable', name },
    ...(suggestion === undefined ? {} : { hint: `did you mean ${[suggestion, ...rest].join('__')}?` }),
  };
}
