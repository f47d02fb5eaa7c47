/** Loaded into a script's process before the script (`node --import`): TypeScript, progress, Ctrl-C. */
import { isMainThread } from 'node:worker_threads';
import type { ExecutorObserver } from '@splitrock/core';
import { handleInterrupts } from './interrupt.ts';
import { BarProgress, LineProgress, watchJob, type ProgressDisplay } from './progress.ts';
import { registerTypeScript } from './typescript-hooks.ts';

const parameters = new URL(import.meta.url).searchParams;

// Threads of the script inherit the flag; their jobs, if any, show up in the thread's own way.
if (isMainThread) {
  await registerTypeScript();
  observe();
}

/**
 * The observer is set by its symbol: importing it from `@splitrock/core` would load a second copy of everything when the
 * script has its own.
 */
function observe(): void {
  const display = displayFor(parameters.get('progress') ?? 'auto');
  const interrupts = handleInterrupts((text) => (display ?? new LineProgress(process.stderr)).line(text));
  const observer: ExecutorObserver = {
    jobCreated(job) {
      interrupts.add(job);
      if (display !== undefined) watchJob(job, display, { logs: parameters.has('logs') });
    },
  };
  (globalThis as Record<symbol, unknown>)[Symbol.for('splitrock.observer')] = observer;
  process.on('exit', () => display?.close());
}

function displayFor(choice: string): ProgressDisplay | undefined {
  if (choice === 'none') return undefined;
  if (choice === 'lines' || !process.stderr.isTTY) return new LineProgress(process.stderr);
  const bars = new BarProgress(process.stderr);
  if (process.stdout.isTTY) keepOutOfBars(process.stdout, bars);
  return bars;
}

/** What the script prints appears above the bars, line by line, as long as there are bars. */
function keepOutOfBars(stream: NodeJS.WriteStream, bars: BarProgress): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let rest = '';
  stream.write = (chunk: unknown, ...others: unknown[]): boolean => {
    if (!bars.isOpen || typeof chunk !== 'string') {
      const before = rest;
      rest = '';
      return write(typeof chunk === 'string' ? before + chunk : chunk, ...others);
    }
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) bars.line(line);
    const done = others.find((other) => typeof other === 'function') as (() => void) | undefined;
    if (done !== undefined) queueMicrotask(done);
    return true;
  };
  process.on('exit', () => {
    if (rest !== '') write(rest);
  });
}
