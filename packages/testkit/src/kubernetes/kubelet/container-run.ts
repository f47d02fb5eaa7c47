import { createHash, randomUUID } from 'node:crypto';
import type { Container, ContainerState, ContainerStatus, TerminatedState } from '../objects/pod.ts';
import type { ContainerExit, RunningContainer } from './container.ts';
import type { ContainerLog } from './container-log.ts';

/** As much of a log as a kubelet puts into the status. */
const MAX_LAST_LINES = 80;
const MAX_LAST_BYTES = 2048;

/** One container of a pod through all its restarts. */
export class ContainerRun {
  readonly container: Container;
  state: ContainerState;
  lastState: ContainerState = {};
  restartCount = 0;
  running: RunningContainer | undefined;
  log: ContainerLog | undefined;
  previousLog: ContainerLog | undefined;
  #containerId: string | undefined;
  #startedAt: string | undefined;
  /** Why it was ended, where the kubelet did it for a reason of its own. */
  #endReason: string | undefined;

  constructor(container: Container, waitingFor: string) {
    this.container = container;
    this.state = { waiting: { reason: waitingFor } };
  }

  get isTerminated(): boolean {
    return this.state.terminated !== undefined;
  }

  wait(reason: string, message?: string): void {
    if (this.state.terminated !== undefined) this.lastState = this.state;
    this.state = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  }

  /** A new log for the run that begins now; the one before stays readable. */
  openLog(log: ContainerLog): void {
    this.previousLog = this.log;
    this.log = log;
  }

  started(running: RunningContainer, now: string): void {
    if (this.state.terminated !== undefined) this.lastState = this.state;
    this.#containerId = `containerd://${createHash('sha256').update(randomUUID()).digest('hex')}`;
    this.#startedAt = now;
    this.running = running;
    this.state = { running: { startedAt: now } };
  }

  /** Ends it as the kernel would for want of memory. */
  kill(reason: string | undefined): void {
    this.#endReason = reason;
    this.running?.signal('SIGKILL');
  }

  ended(exit: ContainerExit, now: string): void {
    this.running = undefined;
    const message = exit.message ?? this.#lastWords(exit.exitCode);
    const terminated: TerminatedState = {
      exitCode: exit.exitCode,
      reason: this.#endReason ?? exit.reason,
      ...(message === undefined ? {} : { message }),
      startedAt: this.#startedAt ?? now,
      finishedAt: now,
    };
    if (this.#containerId !== undefined) terminated.containerID = this.#containerId;
    this.#endReason = undefined;
    this.state = { terminated };
    this.log?.end();
  }

  /** What `FallbackToLogsOnError` takes from the log of a container that failed. */
  #lastWords(exitCode: number): string | undefined {
    if (exitCode === 0 || this.container.terminationMessagePolicy !== 'FallbackToLogsOnError') return undefined;
    const lines = this.log?.lines.slice(-MAX_LAST_LINES).map(({ text }) => text) ?? [];
    const words = Buffer.from(lines.join('')).subarray(-MAX_LAST_BYTES).toString();
    return words === '' ? undefined : words;
  }

  toStatus(): ContainerStatus {
    const { container, state, lastState, restartCount } = this;
    const ready = state.running !== undefined;
    return {
      name: container.name,
      image: container.image,
      imageID: this.#containerId === undefined ? '' : imageId(container.image),
      ...(this.#containerId === undefined ? {} : { containerID: this.#containerId }),
      ready,
      started: ready,
      restartCount,
      state,
      lastState,
    };
  }
}

function imageId(image: string): string {
  return `${image.split(/[:@]/)[0]}@sha256:${createHash('sha256').update(image).digest('hex')}`;
}
