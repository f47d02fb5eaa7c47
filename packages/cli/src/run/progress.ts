/** Shows the progress of jobs: bars on a terminal, plain lines in a log. */
import { MultiBar, type SingleBar } from 'cli-progress';
import type { Job, JobCounts } from '@splitrock/core';
import type { TextStream } from '../output/output.ts';
import { formatDuration } from '../output/quantities.ts';

/** One job on display. */
export interface JobDisplay {
  progress(counts: JobCounts): void;
  /** The job is over; `counts` are its last. Shown once. */
  end(counts: JobCounts): void;
}

export interface ProgressDisplay {
  jobStarted(name: string): JobDisplay;
  /** A line that stays: a diagnosis, a call’s output. */
  line(text: string): void;
  /** Leaves the terminal as it was. Idempotent. */
  close(): void;
}

/** Connects a job's events to a display. The job's waiting and its errors remain its program's business. */
export function watchJob(job: Job<unknown>, display: ProgressDisplay, options: { readonly logs: boolean }): void {
  const shown = display.jobStarted(job.name);
  let over = false;
  const end = (counts: JobCounts): void => {
    if (over) return;
    over = true;
    shown.end(counts);
  };
  job.on('job:progress', (counts) => {
    // `retryFailed` opens an ended job again; its second round is told by its failures and successes only.
    if (!over) shown.progress(counts);
  });
  job.on('job:finish', end);
  job.on('job:diagnosis', ({ severity, code, message }) => {
    if (severity !== 'info') display.line(`${severity} ${code}: ${message} [job=${job.id}]`);
  });
  if (options.logs) job.on('call:log', ({ callId, text }) => display.line(`[${job.name}/${callId}] ${text.trimEnd()}`));
  // A job that cannot begin has no finish.
  job.finalSize.catch(() => end(job.progress));
}

/** Plain lines: the start, the state now and then, the end. */
export class LineProgress implements ProgressDisplay {
  readonly #stream: TextStream;
  readonly #everyMs: number;
  readonly #now: () => number;

  constructor(stream: TextStream, options: { readonly everyMs?: number; readonly now?: () => number } = {}) {
    this.#stream = stream;
    this.#everyMs = options.everyMs ?? 10_000;
    this.#now = options.now ?? (() => performance.now());
  }

  jobStarted(name: string): JobDisplay {
    const startedAtMs = this.#now();
    let toldAtMs = startedAtMs;
    this.line(`${name}: started`);
    return {
      progress: (counts) => {
        if (this.#now() - toldAtMs < this.#everyMs) return;
        toldAtMs = this.#now();
        this.line(`${name}: ${describeCounts(counts)}`);
      },
      end: (counts) =>
        this.line(`${name}: ${describeCounts(counts)} after ${formatDuration(this.#now() - startedAtMs)}`),
    };
  }

  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  close(): void {}
}

/** `90 of 100 calls ended, 4 running, 2 failed`; what is zero is left out. */
export function describeCounts({ total, known, settled, running, failed, retries }: JobCounts): string {
  if (total === undefined && known === 0) return 'no calls';
  const ended = total === undefined ? `${settled} of at least ${known}` : `${settled} of ${total}`;
  const others = [
    running > 0 ? `${running} running` : undefined,
    failed > 0 ? `${failed} failed` : undefined,
    retries > 0 ? `${retries} tried again` : undefined,
  ].filter((part) => part !== undefined);
  return [`${ended} calls ended`, ...others].join(', ');
}

/** One bar per job, on a terminal. */
export class BarProgress implements ProgressDisplay {
  readonly #stream: NodeJS.WriteStream;
  #bars: MultiBar | undefined;
  #active = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  jobStarted(name: string): JobDisplay {
    this.#bars ??= this.#open();
    this.#active += 1;
    const bar = this.#bars.create(1, 0, { name, counts: 'starting' });
    keepFromHolding(this.#bars);
    return {
      progress: (counts) => show(bar, counts),
      end: (counts) => {
        show(bar, counts);
        this.#active -= 1;
        // The bars of ended jobs stay as they are; the next job begins below them.
        if (this.#active === 0) this.close();
      },
    };
  }

  line(text: string): void {
    if (this.#bars === undefined) this.#stream.write(`${text}\n`);
    else this.#bars.log(`${text}\n`);
  }

  close(): void {
    this.#bars?.stop();
    this.#bars = undefined;
    this.#active = 0;
  }

  /** Whether something written to the terminal now would land in the bars. */
  get isOpen(): boolean {
    return this.#bars !== undefined;
  }

  #open(): MultiBar {
    const bars = new MultiBar({
      stream: this.#stream,
      format: '{name} [{bar}] {counts}',
      barsize: 24,
      autopadding: true,
      // Ctrl-C is handled by whoever runs the script: it cancels, and bars go on meanwhile.
      gracefulExit: false,
    });
    bars.on('update-post', () => keepFromHolding(bars));
    return bars;
  }
}

/** Its timer must not keep a program alive that has nothing left to do. */
function keepFromHolding(bars: MultiBar): void {
  (bars as unknown as { timer?: NodeJS.Timeout | null }).timer?.unref();
}

function show(bar: SingleBar, counts: JobCounts): void {
  bar.setTotal(Math.max(1, counts.total ?? counts.known));
  bar.update(counts.total === 0 ? 1 : counts.settled, { counts: describeCounts(counts) });
}
