/** Has a plugin's factory make its part, and checks that the part has every member of its contract. */
import type { Backend } from '../contracts/backend.ts';
import type { CallSource } from '../contracts/call-source.ts';
import type { StatusPublisher, StatusSubscriber } from '../contracts/monitoring.ts';
import type { BackendService, PluginKind } from '../contracts/plugin.ts';
import type { Storage } from '../contracts/storage.ts';
import { PluginError } from '../errors/splitrock-error.ts';
import { callPlugin, type PluginCallLimits } from './call-plugin.ts';

/** What each factory makes. */
export interface PluginParts {
  readonly createBackend: Backend;
  readonly createCallSource: CallSource;
  readonly createService: BackendService;
  readonly createStorage: Storage;
  readonly createPublisher: StatusPublisher;
  readonly createSubscriber: StatusSubscriber;
}

type RequiredMember<Part> = {
  [Key in keyof Part]-?: object extends Pick<Part, Key> ? never : Key;
}[keyof Part];

type MemberType = 'function' | 'string' | 'object';

/** Every member that a part must have; the compiler keeps the lists complete. */
const MEMBERS: { readonly [Factory in keyof PluginParts]: Record<RequiredMember<PluginParts[Factory]>, MemberType> } = {
  createBackend: {
    name: 'string',
    start: 'function',
    capacity: 'function',
    runtime: 'function',
    submit: 'function',
    cancel: 'function',
    endJob: 'function',
    clean: 'function',
    stop: 'function',
  },
  createCallSource: { start: 'function', setCapacity: 'function', flush: 'function', stop: 'function' },
  createService: { start: 'function', finished: 'object', stop: 'function' },
  createStorage: {
    name: 'string',
    limits: 'object',
    put: 'function',
    get: 'function',
    getStream: 'function',
    head: 'function',
    delete: 'function',
    deleteMany: 'function',
    list: 'function',
    close: 'function',
  },
  createPublisher: { publish: 'function', close: 'function' },
  createSubscriber: { subscribe: 'function', close: 'function' },
};

/**
 * @param make - Calls the factory.
 * @throws PluginError `PLUGIN_INVALID` naming all members that are missing or wrong; `PLUGIN_FAILED`, `PLUGIN_TIMEOUT`.
 */
export async function makePart<Factory extends keyof PluginParts>(
  factory: Factory,
  { kind, name }: { readonly kind: PluginKind; readonly name: string },
  make: () => PluginParts[Factory] | Promise<PluginParts[Factory]>,
  limits: PluginCallLimits,
): Promise<PluginParts[Factory]> {
  const part: unknown = await callPlugin({ kind, name, member: factory }, make, limits);
  const wrong = Object.entries<MemberType>(MEMBERS[factory]).filter(([member, type]) => !hasMember(part, member, type));
  if (wrong.length === 0) return part as PluginParts[Factory];
  const members = wrong.map(([member, type]) => `\`${member}\` (must be a${type === 'object' ? 'n' : ''} ${type})`);
  throw new PluginError(
    'PLUGIN_INVALID',
    `The ${kind} plugin \`${name}\` is broken: what \`${factory}\` returned lacks ${members.join(', ')} [member=${factory}]; see docs/authoring.`,
    { details: { kind, name, member: factory, missing: wrong.map(([member]) => member) } },
  );
}

const hasMember = (part: unknown, member: string, type: MemberType): boolean => {
  if (typeof part !== 'object' || part === null) return false;
  const value = (part as Record<string, unknown>)[member];
  return typeof value === type && value !== null;
};
