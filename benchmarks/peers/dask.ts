/** Dask beside us: a Python process that takes commands. Debian's python3-distributed; absent elsewhere. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PYTHON = process.env['SPLITROCK_BENCH_PYTHON'] ?? '/usr/bin/python3';

export class Dask {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** `undefined` where it is not installed. */
  static async start(): Promise<Dask | undefined> {
    if (spawnSync(PYTHON, ['-c', 'import distributed']).status !== 0) {
      console.log('Dask is left out: install python3-distributed (Debian) or set SPLITROCK_BENCH_PYTHON.\n');
      return undefined;
    }
    const program = fileURLToPath(new URL('./dask_local.py', import.meta.url));
    const dask = new Dask(spawn(PYTHON, ['-W', 'ignore', program], { stdio: ['pipe', 'pipe', 'pipe'] }));
    await dask.#next();
    return dask;
  }

  /** Seconds that a piece of work took: `noop 10000`, `single 100`, `spin 200`. */
  async run(command: string): Promise<number> {
    this.#process.stdin.write(`${command}\n`);
    return ((await this.#next()) as { seconds: number }).seconds;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin.end();
    await ended;
  }

  async #next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('The Dask process ended.');
    return JSON.parse(value);
  }
}
