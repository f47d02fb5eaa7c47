import { Writable } from 'node:stream';
import type { Job, JobCounts } from '@splitrock/core';
import { afterEach, describe, expect, it } from 'vitest';
import { BarProgress, LineProgress, describeCounts, watchJob, type ProgressDisplay } from './progress.ts';

const counts = (given: Partial<JobCounts>): JobCounts => ({
  known: 0,
  total: undefined,
  settled: 0,
  failed: 0,
  inFlight: 0,
  running: 0,
  retries: 0,
  ...given,
});

describe('describeCounts', () => {
  it.each([
    [counts({}), 'no calls'],
    [counts({ total: 10, known: 10 }), '0 of 10 calls ended'],
    [
      counts({ total: 10, known: 10, settled: 4, running: 2, failed: 1, retries: 3 }),
      '4 of 10 calls ended, 2 running, 1 failed, 3 tried again',
    ],
    [counts({ known: 1000, settled: 7 }), '7 of at least 1000 calls ended'],
  ])('%#', (given, text) => {
    expect(describeCounts(given)).toBe(text);
  });
});

describe('LineProgress', () => {
  it('tells the start, the state now and then, and the end', () => {
    const lines: string[] = [];
    let nowMs = 0;
    const display = new LineProgress({ write: (text) => lines.push(text) }, { everyMs: 1_000, now: () => nowMs });
    const job = display.jobStarted('resize');
    job.progress(counts({ total: 4, settled: 1 }));
    nowMs = 1_000;
    job.progress(counts({ total: 4, settled: 2, running: 1 }));
    job.progress(counts({ total: 4, settled: 3 }));
    nowMs = 1_500;
    job.end(counts({ total: 4, settled: 4, failed: 1 }));
    expect(lines).toEqual([
      'resize: started\n',
      'resize: 2 of 4 calls ended, 1 running\n',
      'resize: 4 of 4 calls ended, 1 failed after 1.5 s\n',
    ]);
  });
});

describe('BarProgress', () => {
  /** A terminal that remembers what was written. */
  class Terminal extends Writable {
    readonly isTTY = true;
    readonly columns = 120;
    text = '';
    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      this.text += chunk.toString();
      done();
    }
    clearLine(): void {}
    cursorTo(): void {}
    moveCursor(): void {}
    clearScreenDown(): void {}
    getWindowSize(): number[] {
      return [120, 40];
    }
  }
  let display: BarProgress | undefined;
  afterEach(() => display?.close());

  it('draws a bar per job and leaves the terminal as it was', () => {
    const terminal = new Terminal();
    display = new BarProgress(terminal as unknown as NodeJS.WriteStream);
    const first = display.jobStarted('resize');
    const second = display.jobStarted('sum');
    expect(display.isOpen).toBe(true);
    first.progress(counts({ total: 4, known: 4, settled: 2 }));
    first.end(counts({ total: 4, known: 4, settled: 4 }));
    expect(display.isOpen).toBe(true);
    second.end(counts({ total: 0 }));
    expect(display.isOpen).toBe(false);
    expect(terminal.text).toContain('resize [');
    expect(terminal.text).toContain('4 of 4 calls ended');
    expect(terminal.text).toContain('sum');
    // Lines wrap again after they were kept from it.
    expect(terminal.text.lastIndexOf('\u001B[?7h')).toBeGreaterThan(terminal.text.lastIndexOf('\u001B[?7l'));
    expect(terminal.text).toContain('\u001B[?7l');
  });

  it('writes lines plainly while there is no bar', () => {
    const terminal = new Terminal();
    new BarProgress(terminal as unknown as NodeJS.WriteStream).line('hello');
    expect(terminal.text).toBe('hello\n');
  });
});

describe('watchJob', () => {
  function fakeJob() {
    const listeners = new Map<string, (event: unknown) => void>();
    let failStart: (error: Error) => void = () => {};
    const job = {
      id: 'abcdefghijkl-1',
      name: 'resize',
      progress: counts({}),
      finalSize: new Promise<number>((_settle, reject) => {
        failStart = reject;
      }),
      on: (name: string, listener: (event: unknown) => void) => void listeners.set(name, listener),
    };
    return {
      job: job as unknown as Job<unknown>,
      emit: (name: string, event: unknown) => listeners.get(name)?.(event),
      failStart,
      heard: () => [...listeners.keys()],
    };
  }
  function fakeDisplay() {
    const told: string[] = [];
    const display: ProgressDisplay = {
      jobStarted: (name) => {
        told.push(`start ${name}`);
        return {
          progress: (now) => told.push(`progress ${now.settled}`),
          end: (now) => told.push(`end ${now.settled}`),
        };
      },
      line: (text) => told.push(text),
      close() {},
    };
    return { display, told };
  }

  it('shows a job from its start to its only end', () => {
    const { job, emit } = fakeJob();
    const { display, told } = fakeDisplay();
    watchJob(job, display, { logs: false });
    emit('job:progress', counts({ settled: 1 }));
    emit('job:diagnosis', { severity: 'warning', code: 'POOL_UNSCHEDULABLE', message: 'no node fits' });
    emit('job:diagnosis', { severity: 'info', code: 'POOL_UNSCHEDULABLE', message: 'fine again' });
    emit('job:finish', counts({ settled: 2 }));
    emit('job:finish', counts({ settled: 2 }));
    expect(told).toEqual([
      'start resize',
      'progress 1',
      'warning POOL_UNSCHEDULABLE: no node fits [job=abcdefghijkl-1]',
      'end 2',
    ]);
  });

  it('ends the display of a job that could not begin', async () => {
    const { job, failStart } = fakeJob();
    const { display, told } = fakeDisplay();
    watchJob(job, display, { logs: false });
    failStart(new Error('no'));
    await expect(job.finalSize).rejects.toThrow('no');
    expect(told).toEqual(['start resize', 'end 0']);
  });

  it('listens to the calls’ output only when asked: it costs', () => {
    const quiet = fakeJob();
    watchJob(quiet.job, fakeDisplay().display, { logs: false });
    expect(quiet.heard()).not.toContain('call:log');
    const { job, emit } = fakeJob();
    const { display, told } = fakeDisplay();
    watchJob(job, display, { logs: true });
    emit('call:log', { callId: 3, text: 'done\n' });
    expect(told.at(-1)).toBe('[resize/3] done');
  });
});
