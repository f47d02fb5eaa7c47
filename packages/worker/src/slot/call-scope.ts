/**
 * Which call the code that runs right now belongs to, followed through promises, timers and callbacks. Output and stray
 * errors are attributed with it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RunningCall } from './running-call.ts';

export const callScope = new AsyncLocalStorage<RunningCall>();
