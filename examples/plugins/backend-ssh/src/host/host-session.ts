/**
 * One ssh session: the launcher and then the worker on a host, from the start of `ssh` to its end.
 *
 * All that is secret goes through the standard input of ssh. `ssh` leads a process group of its own: a Ctrl-C in the
 * terminal reaches only the client, which decides what becomes of running calls. When the client ends, however it
 * ends, the session's streams end, and with them the worker. Nothing here keeps the client's process alive.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { Duplex } from 'node:stream';
import type { Clock, ClockTimer, Logger, LossReason, WorkerBootstrap } from '@splitrock/core/plugin';
import {
  FrameChannel,
  decodeMessage,
  encodeMessage,
  type BackendMessage,
  type WorkerMessage,
} from '@splitrock/worker/stream';
import { ALIVE_INTERVAL_MS } from '../client-stream.ts';
import type { HostSettings, SshBackendOptions } from '../options.ts';
import type { WorkerArchive } from '../runtime/worker-archive.ts';
import { AfterMarker, NoMarkerError } from './after-marker.ts';
import {
  SSH_FAILED,
  describeFailure,
  endsEarly,
  noSshClient,
  noisyShell,
  tooLate,
  type HostFailure,
} from './host-failure.ts';
import { LAUNCH_EXIT, type Hello } from './launcher.ts';
import { sshArguments } from './ssh-command.ts';
import { unsuitable } from './suitable-node.ts';

/** What a worker gets to clean up after its calls have ended, and ssh to say so, before the connection is cut. */
const EXIT_MARGIN_MS = 5_000;
/** More would not help anyone who reads an error. */
const STDERR_CHARACTERS = 4_096;
/** V8's last words when the heap limit is reached. */
const HEAP_FULL = /FATAL ERROR: .*(heap out of memory|Reached heap limit)/;

export interface HostSessionOptions {
  readonly host: HostSettings;
  readonly options: SshBackendOptions;
  readonly workerId: string;
  readonly archive: WorkerArchive;
  readonly bootstrap: (hello: Hello) => WorkerBootstrap;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface HostSessionEvents {
  /** Node runs there and will do; the worker is on its way. */
  onHello(hello: Hello): void;
  /** The first that comes offers room for calls. */
  onMessage(message: WorkerMessage): void;
  /** Once, after the last message. */
  onEnd(end: SessionEnd): void;
}

export interface SessionEnd {
  /** What became of calls that ran. */
  readonly reason: LossReason;
  /** Why there is no worker. */
  readonly failure: HostFailure;
}

export class HostSession {
  readonly #options: HostSessionOptions;
  readonly #events: HostSessionEvents;
  readonly #ssh: ChildProcessWithoutNullStreams;
  readonly #channel: FrameChannel;
  #stderr = '';
  #stage: 'connecting' | 'greeted' | 'ready' | 'ended' = 'connecting';
  #failure: HostFailure | undefined;
  #startTimer: ClockTimer | undefined;
  #aliveTimer: ClockTimer | undefined;
  #killTimer: ClockTimer | undefined;
  #killAtMs = Infinity;

  constructor(options: HostSessionOptions, events: HostSessionEvents) {
    const { host, archive, workerId, clock } = options;
    const { connectTimeoutMs, startTimeoutMs } = options.options;
    this.#options = options;
    this.#events = events;
    const marker = `splitrock-${randomBytes(12).toString('hex')}\n`;
    const request = { marker, workerId, directory: host.directory, sha256: archive.sha256, exit: LAUNCH_EXIT };
    this.#ssh = spawn('ssh', sshArguments(host, options.options, request), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const { stdin, stdout, stderr } = this.#ssh;
    this.#ssh.on('error', (error) => this.#spawnFailed(error));
    // Comes when its streams have ended too: the last message and the last words have been read by then.
    this.#ssh.on('close', (exitCode) => this.#ended(exitCode));
    stderr.setEncoding('utf8').on('data', (text: string) => this.#wrote(text));
    const filter = new AfterMarker(marker);
    filter.on('error', (error) => {
      if (error instanceof NoMarkerError) this.#fail(noisyShell(host));
    });
    const incoming = stdout.pipe(filter);
    this.#channel = new FrameChannel(Duplex.from({ readable: incoming, writable: stdin }), {
      onFrame: (frame) => this.#received(frame),
      // A session without its streams is of no use. One that was told to end closes them itself.
      onClose: () => {
        if (this.#killAtMs === Infinity && this.#stage !== 'connecting') this.#cutSoon();
      },
    });
    for (const each of [this.#ssh, ...([stdin, stdout, stderr] as unknown as readonly Socket[])]) each.unref();
    const timeoutMs = connectTimeoutMs + startTimeoutMs;
    this.#startTimer = clock.setTimer(() => this.#fail(tooLate(host, timeoutMs, this.#stage === 'greeted')), timeoutMs);
  }

  get workerId(): string {
    return this.#options.workerId;
  }

  send(message: BackendMessage): void {
    this.#channel.send(encodeMessage(message));
  }

  /** Asks the worker to end within `graceMs`, and cuts the connection a little later; at once while nothing runs yet. */
  stop(graceMs: number, reason: string): void {
    // From here on somebody waits for the end.
    this.#ssh.ref();
    if (this.#stage !== 'ready') {
      this.kill();
      return;
    }
    this.send({ type: 'shutdown', graceMs, reason });
    const killAtMs = this.#options.clock.now() + graceMs + EXIT_MARGIN_MS;
    if (killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    this.#killTimer?.cancel();
    this.#killTimer = this.#options.clock.setTimer(() => this.kill(), graceMs + EXIT_MARGIN_MS);
  }

  /** Cuts the connection. The worker ends when it finds its stream ended. */
  kill(): void {
    this.#ssh.kill('SIGKILL');
  }

  #received(frame: Buffer): void {
    if (this.#stage === 'connecting') {
      this.#greeted(JSON.parse(frame.toString()) as Hello);
      return;
    }
    const message = decodeMessage<WorkerMessage>(frame);
    if (this.#stage === 'greeted' && message.type === 'capacity' && message.calls > 0) {
      this.#stage = 'ready';
      this.#startTimer?.cancel();
    }
    this.#events.onMessage(message);
  }

  #greeted(hello: Hello): void {
    this.#stage = 'greeted';
    const { host, archive, bootstrap } = this.#options;
    const problem = unsuitable(host, hello);
    if (problem !== undefined) {
      this.#fail(problem);
      return;
    }
    this.#events.onHello(hello);
    if (!hello.installed) this.#channel.send(archive.bytes);
    this.#channel.send(Buffer.from(JSON.stringify(bootstrap(hello))));
    this.#stayAlive();
  }

  #stayAlive(): void {
    this.#aliveTimer = this.#options.clock.setTimer(() => {
      this.#channel.send(new Uint8Array());
      this.#stayAlive();
    }, ALIVE_INTERVAL_MS);
  }

  #wrote(text: string): void {
    this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS);
    const line = text.trimEnd();
    if (line !== '') this.#options.logger.warn('A host wrote', { host: this.#options.host.address, line });
  }

  #fail(failure: HostFailure): void {
    this.#failure ??= failure;
    this.kill();
  }

  /** ssh as a rule ends by itself when its streams have; its exit code is worth a little patience. */
  #cutSoon(): void {
    this.#killTimer ??= this.#options.clock.setTimer(() => this.kill(), EXIT_MARGIN_MS);
  }

  #spawnFailed(error: Error): void {
    // Also emitted when a running process cannot be signalled; its end follows.
    if (this.#ssh.pid !== undefined) return;
    this.#failure = noSshClient(this.#options.host, error);
    this.#ended(null);
  }

  #ended(exitCode: number | null): void {
    if (this.#stage === 'ended') return;
    const wasReady = this.#stage === 'ready';
    const greeted = this.#stage !== 'connecting';
    this.#stage = 'ended';
    for (const timer of [this.#startTimer, this.#aliveTimer, this.#killTimer]) timer?.cancel();
    this.#channel.destroy();
    const { host, workerId } = this.#options;
    const lost = { ...this.#lossOf(exitCode), workerId };
    if (wasReady) {
      this.#events.onEnd({ reason: lost, failure: endsEarly(host, lost.message, this.#stderr) });
      return;
    }
    const failure = this.#failure ?? describeFailure({ host, exitCode, stderr: this.#stderr, greeted });
    this.#events.onEnd({ reason: { ...lost, kind: 'start-failed', message: failure.message }, failure });
  }

  #lossOf(exitCode: number | null): LossReason {
    const { address } = this.#options.host;
    if (exitCode === null || exitCode === SSH_FAILED) {
      return { kind: 'worker-lost', message: `the connection to ${address} was lost` };
    }
    if (HEAP_FULL.test(this.#stderr)) {
      return { kind: 'out-of-memory', message: `the worker on ${address} ran out of JavaScript heap`, exitCode };
    }
    const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
    if (signal !== undefined) {
      return { kind: 'crash', message: `the worker on ${address} was killed by ${signal}`, signal };
    }
    return { kind: 'exit', message: `the worker on ${address} exited with code ${exitCode}`, exitCode };
  }
}
