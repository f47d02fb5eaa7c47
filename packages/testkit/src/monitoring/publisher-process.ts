/** Starts, commands and ends processes that publish status. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobRef, StatusEvent } from '@splitrock/core/plugin';
import type { PublisherCommand, PublisherReport, PublisherSetup } from './publisher-main.ts';

type CommandWithoutId = PublisherCommand extends infer C ? (C extends unknown ? Omit<C, 'id'> : never) : never;

export class PublisherProcess {
  readonly workerId: string;
  /** Calls of a flood whose publication is known to have resolved. */
  readonly durableCalls: number[] = [];
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<unknown>;
  #lastId = 0;
  #onDurable: (() => void) | undefined;

  private constructor(child: ChildProcess, workerId: string) {
    this.#child = child;
    this.workerId = workerId;
    this.#exited = once(child, 'exit');
    child.on('message', (report: PublisherReport) => this.#onReport(report));
    child.once('exit', (code, signal) =>
      this.#failAll(new Error(`Publisher process ended [code=${code}, signal=${signal}].`)),
    );
  }

  static async start(setup: PublisherSetup): Promise<PublisherProcess> {
    // This file's own ending tells whether sources or the built package run.
    const program = new URL(`./publisher-main${extname(import.meta.url)}`, import.meta.url);
    const child = fork(fileURLToPath(program), { serialization: 'advanced' });
    const handle = new PublisherProcess(child, setup.workerId);
    child.send(setup);
    const ready = new Promise<void>((resolve, reject) => handle.#answers.set(0, { resolve, reject }));
    await ready;
    return handle;
  }

  publish(job: JobRef, events: readonly StatusEvent[]): Promise<void> {
    return this.#command({ do: 'publish', job, events });
  }

  flood(job: JobRef, options: { readonly calls: number; readonly atOnce: number }): Promise<void> {
    return this.#command({ do: 'flood', job, ...options });
  }

  /** Resolves once so many calls of a flood are known to be durable. */
  async untilDurable(calls: number): Promise<void> {
    while (this.durableCalls.length < calls) {
      await new Promise<void>((resolve) => (this.#onDurable = resolve));
    }
  }

  /** SIGKILL: no goodbye of any kind. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Closes the publisher, then ends the process; kills what is left of it. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.connected) {
      await this.#command({ do: 'close' }).catch(() => undefined);
      if (this.#child.connected) this.#child.disconnect();
    }
    await this.#exited;
  }

  #command(command: CommandWithoutId): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#child.send({ ...command, id });
    });
  }

  #onReport(report: PublisherReport): void {
    if (report.told === 'durable') {
      this.durableCalls.push(report.callId);
      this.#onDurable?.();
      return;
    }
    const id = report.told === 'ready' ? 0 : report.id;
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (report.told === 'failed') answer?.reject(new Error(report.message));
    else answer?.resolve();
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#answers.values()) reject(error);
    this.#answers.clear();
  }
}
