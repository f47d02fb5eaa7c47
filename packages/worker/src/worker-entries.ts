import { siblingModule } from './runtime/sibling-module.ts';

/**
 * The modules that a worker runs in processes and threads of their own, by name: what a bundler must give a file each.
 *
 * They find each other side by side, as `<name>.js`, when `SPLITROCK_WORKER_BUNDLED` is defined as `true`; chunks that
 * they share must lie in the same folder.
 */
export const workerEntries: Readonly<Record<'main' | 'process-main' | 'thread-main' | 'control-thread', URL>> = {
  main: siblingModule(import.meta.url, './main'),
  'process-main': siblingModule(import.meta.url, './slot/process-main'),
  'thread-main': siblingModule(import.meta.url, './slot/thread-main'),
  'control-thread': siblingModule(import.meta.url, './slot/control-thread'),
};
