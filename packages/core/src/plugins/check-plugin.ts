/** Checks that what a module exports is a plugin of the wanted kind, written for these contracts. */
import { PLUGIN_API_VERSION, type PluginByKind, type PluginKind } from '../contracts/plugin.ts';
import { PluginError } from '../errors/splitrock-error.ts';
import { isPluginName } from './plugin-names.ts';

const FACTORIES: Readonly<Record<PluginKind, readonly string[]>> = {
  backend: ['createBackend', 'createCallSource'],
  storage: ['createStorage'],
  monitoring: ['createPublisher', 'createSubscriber'],
};

/**
 * Returns the descriptor, typed. `source` says where it came from, for messages.
 * @throws PluginError `PLUGIN_INVALID` naming the member; `PLUGIN_API_VERSION`.
 */
export function checkPlugin<Kind extends PluginKind>(
  kind: Kind,
  candidate: unknown,
  source: string,
): PluginByKind[Kind] {
  const refuse = (member: string, problem: string): never => {
    const named = isRecord(candidate) && typeof candidate['name'] === 'string' ? ` \`${candidate['name']}\`` : '';
    throw new PluginError(
      'PLUGIN_INVALID',
      `The ${kind} plugin${named} is broken: ${problem} [member=${member}, source=${source}]; see docs/authoring.`,
      { details: { kind, name: isRecord(candidate) ? candidate['name'] : undefined, member, source } },
    );
  };
  if (!isRecord(candidate)) return refuse('plugin', 'its module has no export `plugin` that is a plugin descriptor');
  // Before all else: a descriptor of another version may differ in everything.
  if (candidate['apiVersion'] !== PLUGIN_API_VERSION) {
    if (typeof candidate['apiVersion'] !== 'number') return refuse('apiVersion', '`apiVersion` must be a number');
    throw wrongVersion(kind, candidate['name'], candidate['apiVersion'], source);
  }
  if (candidate['kind'] !== kind)
    return refuse('kind', `it is a plugin of kind ${String(candidate['kind'])}, not ${kind}`);
  if (typeof candidate['name'] !== 'string' || !isPluginName(candidate['name'])) {
    return refuse(
      'name',
      `\`name\` must be kebab-case (a-z, 0-9, single dashes), got ${JSON.stringify(candidate['name'])}`,
    );
  }
  const schema = candidate['optionsSchema'];
  if (!isRecord(schema) || typeof schema['safeParseAsync'] !== 'function')
    return refuse('optionsSchema', '`optionsSchema` must be a zod schema');
  for (const factory of FACTORIES[kind]) {
    if (typeof candidate[factory] !== 'function') return refuse(factory, `\`${factory}\` must be a function`);
  }
  return candidate as unknown as PluginByKind[Kind];
}

function wrongVersion(kind: PluginKind, name: unknown, version: number, source: string): PluginError {
  const remedy =
    version > PLUGIN_API_VERSION ? 'update splitrock, or install an older version of the plugin' : 'update the plugin';
  return new PluginError(
    'PLUGIN_API_VERSION',
    `The ${kind} plugin \`${String(name)}\` was written for version ${version} of the plugin contracts; this is version ${PLUGIN_API_VERSION} [member=apiVersion, source=${source}]; ${remedy}.`,
    { details: { kind, name, member: 'apiVersion', apiVersion: version, supported: PLUGIN_API_VERSION, source } },
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
