/** `programs/client.ts` as a process, and what it has said. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ConfigInput } from 'splitrock';

const PROGRAM = fileURLToPath(new URL('../programs/client.ts', import.meta.url));

interface Line {
  readonly job?: string;
  readonly callId?: number;
  readonly value?: number;
  readonly error?: string;
  readonly code?: string;
  readonly end?: true;
}

export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #errors: string[] = [];
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'close');
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      // The last line of a killed process may be half a line.
      if (line.endsWith('}')) this.#lines.push(JSON.parse(line) as Line);
    });
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => this.#errors.push(line));
  }

  /** @param configFile - Written here. */
  static async start(configFile: string, config: ConfigInput, args: readonly string[]): Promise<ClientProcess> {
    await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
    const child = spawn(process.execPath, ['--conditions=@splitrock/source', PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SPLITROCK_CONFIG: configFile },
    });
    return new ClientProcess(child);
  }

  get jobId(): string | undefined {
    return this.#lines.find(({ job }) => job !== undefined)?.job;
  }

  /** Every outcome that it saw, in the order in which it did. */
  get outcomes(): readonly { readonly callId: number; readonly value: number | string }[] {
    return this.#lines.flatMap(({ callId, value, error }) =>
      callId === undefined ? [] : [{ callId, value: value ?? error ?? 'nothing' }],
    );
  }

  get hasEnded(): boolean {
    return this.#lines.some(({ end }) => end === true);
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it wrote to standard error. */
  get complaints(): string {
    return this.#errors.join('\n');
  }

  async untilEnded(count: number, timeout = 60_000): Promise<void> {
    await expect.poll(() => this.outcomes.length, { timeout }).toBeGreaterThanOrEqual(count);
  }

  /** Exits by itself, in order. */
  async finished(): Promise<void> {
    await this.#exited;
    expect([this.#child.exitCode, this.complaints]).toEqual([0, '']);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
