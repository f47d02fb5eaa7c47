/** Puts a slot together once its setup message has come; shared by slot processes and slot threads. */
import {
  DataStorages,
  LazyStorage,
  PLUGIN_TIMEOUT_MS,
  makePart,
  silentLogger,
  systemClock,
  type PluginRef,
  type Storage,
  type StorageDeps,
  type WorkerPlugins,
} from '@splitrock/core/plugin';
import { loadPlugin } from '../bootstrap/load-plugin.ts';
import type { Claims } from '../protocol/claims.ts';
import type { FromSlot, SlotSetup, ToSlot } from '../protocol/slot-messages.ts';
import { Slot } from './slot.ts';
import { captureStreams } from './stream-capture.ts';
import { watchStrayErrors } from './stray-errors.ts';

export interface SlotTransport {
  readonly claims: Claims;
  readonly post: (message: FromSlot) => void;
  readonly postSoon: (message: FromSlot) => void;
  readonly die: () => never;
}

/** Returns what takes the worker's messages; the first one is the setup. */
export function serveSlot({ claims, post, postSoon, die }: SlotTransport): (message: ToSlot) => void {
  let slot: Slot | undefined;
  const setUp = (setup: SlotSetup): Slot => {
    const made = new Slot({ setup, claims, post, postSoon, storages: dataStoragesOf(setup.plugins) });
    if (setup.capture === 'streams') captureStreams();
    watchStrayErrors({ slot: made, post, die });
    post({ type: 'ready' });
    return made;
  };
  return (message) => {
    if (message.type === 'setup') slot ??= setUp(message);
    else slot?.receive(message);
  };
}

const DEPS: StorageDeps = { logger: silentLogger, clock: systemClock };
const LIMITS = { ...DEPS, timeoutMs: PLUGIN_TIMEOUT_MS };

/** Nothing is imported or opened before it is used. */
function dataStoragesOf({ storage, dataStorages = [] }: WorkerPlugins): DataStorages {
  const refs = new Map([storage, ...dataStorages].map((ref) => [ref.name, ref]));
  return new DataStorages({
    own: new LazyStorage(storage.name, () => openStorage(storage)),
    names: [...refs.keys()],
    load: (name) => loadPlugin('storage', refs.get(name) as PluginRef, LIMITS),
    deps: DEPS,
  });
}

async function openStorage(ref: PluginRef): Promise<Storage> {
  const { plugin, options } = await loadPlugin('storage', ref, LIMITS);
  return makePart('createStorage', plugin, () => plugin.createStorage(options, DEPS), LIMITS);
}
