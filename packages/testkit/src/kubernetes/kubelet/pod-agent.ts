/** One pod on its node, from its start to its end: what the kubelet does for it. */
import { join } from 'node:path';
import type { ClockTimer } from '@splitrock/core/plugin';
import type { Node } from '../objects/cluster.ts';
import { setCondition } from '../objects/conditions.ts';
import type { Pod } from '../objects/pod.ts';
import { StartError, type ContainerContext, type ContainerExit } from './container.ts';
import { contextOf } from './container-context.ts';
import { ContainerLog } from './container-log.ts';
import { ContainerRun } from './container-run.ts';
import { ContainerConfigError, type EnvironmentContext } from './environment.ts';
import type { ImagePuller } from './image-puller.ts';
import type { ProcessImage, ScriptedImage } from './images.ts';
import type { KubeletSettings } from './node-settings.ts';
import { Pauses } from './pauses.ts';
import { podConditions, podPhase, type PodProgress } from './pod-phase.ts';
import { fullName, PodReporter } from './pod-reporter.ts';
import { startProcessContainer } from './process-container.ts';
import { startScriptedContainer } from './scripted-container.ts';
import { MountError, PodVolumes } from './volumes.ts';

/** Why a pod as a whole was ended, in its status. */
export interface PodVerdict {
  readonly reason: string;
  readonly message: string;
}

type RunnableImage = ProcessImage | ScriptedImage;

export class PodAgent {
  readonly pod: Pod;
  readonly #settings: KubeletSettings;
  readonly #node: Node;
  readonly #reporter: PodReporter;
  readonly #pauses: Pauses;
  readonly #volumes: PodVolumes;
  readonly #puller: ImagePuller;
  readonly #initRuns: ContainerRun[];
  readonly #runs: ContainerRun[];
  readonly #done: Promise<void>;
  #initialized = false;
  #failedEarly = false;
  #verdict: PodVerdict | undefined;
  #killTimer: ClockTimer | undefined;
  #deadline: ClockTimer | undefined;

  constructor(pod: Pod, node: Node, podIp: string, puller: ImagePuller, settings: KubeletSettings) {
    this.pod = pod;
    this.#node = node;
    this.#puller = puller;
    this.#settings = settings;
    this.#reporter = new PodReporter(pod, node.metadata.name, settings);
    this.#pauses = new Pauses(settings.clock);
    this.#volumes = new PodVolumes(join(settings.folder, pod.metadata.uid));
    const { initContainers = [], containers } = pod.spec;
    const waitingFor = initContainers.length === 0 ? 'ContainerCreating' : 'PodInitializing';
    this.#initRuns = initContainers.map((container) => new ContainerRun(container, 'PodInitializing'));
    this.#runs = containers.map((container) => new ContainerRun(container, waitingFor));
    this.#done = this.#live(podIp);
  }

  /** Every container of the pod by its name. */
  run(container: string): ContainerRun | undefined {
    return [...this.#initRuns, ...this.#runs].find((run) => run.container.name === container);
  }

  /** The main processes that run now. */
  get pids(): number[] {
    return this.#runs.map(({ running }) => running?.pid).filter((pid) => pid !== undefined);
  }

  /** Ends the pod: SIGTERM, and SIGKILL after the grace period. Resolves when every container has ended. */
  async terminate(graceMs: number, verdict?: PodVerdict): Promise<void> {
    this.#verdict ??= verdict;
    this.#pauses.end();
    const kill = (): void => this.#signal('SIGKILL');
    this.#killTimer?.cancel();
    if (graceMs <= 0) kill();
    else {
      this.#signal('SIGTERM');
      this.#killTimer = this.#settings.clock.setTimer(kill, graceMs);
    }
    await this.#done;
  }

  /** Ends the pod as a power cut would: at once, and without a word to anybody. */
  async destroy(): Promise<void> {
    this.#reporter.silence();
    await this.terminate(0);
    for (const { log } of [...this.#initRuns, ...this.#runs]) log?.end();
    await this.#volumes.remove();
  }

  /** Ends one container the way the kernel does for want of memory. */
  killForMemory(container: string): void {
    this.run(container)?.kill('OOMKilled');
  }

  async #live(podIp: string): Promise<void> {
    // The kubelet has the rest of its turn first: it must know of this agent before the pod changes.
    await Promise.resolve();
    this.#begin(podIp);
    if (await this.#mount()) {
      for (const run of this.#initRuns) {
        if (!(await this.#initialize(run))) break;
      }
      this.#initialized = !this.#pauses.ended && !this.#failedEarly;
      if (this.#initialized) {
        this.#publish();
        await Promise.all(this.#runs.map((run) => this.#keepRunning(run)));
      }
    }
    this.#killTimer?.cancel();
    this.#deadline?.cancel();
    this.#pauses.end();
    this.#publish();
  }

  #begin(podIp: string): void {
    const { activeDeadlineSeconds } = this.pod.spec;
    this.#reporter.update((draft) => {
      draft.status.startTime = this.#reporter.now();
      draft.status.hostIP = this.#node.status.addresses?.[0]?.address ?? '';
      draft.status.podIP = podIp;
      draft.status.podIPs = [{ ip: podIp }];
    });
    this.#publish();
    if (activeDeadlineSeconds === undefined) return;
    const message = 'Pod was active on the node longer than the specified deadline';
    const expire = (): void => void this.terminate(this.#graceMs(), { reason: 'DeadlineExceeded', message });
    this.#deadline = this.#settings.clock.setTimer(expire, activeDeadlineSeconds * 1000);
  }

  #graceMs(): number {
    return (this.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  /** Tries until the volumes are there; false if the pod ended before. */
  async #mount(): Promise<boolean> {
    while (!this.#pauses.ended) {
      try {
        await this.#volumes.prepare(this.pod.spec.volumes ?? [], this.#context());
        return !this.#pauses.ended;
      } catch (error) {
        if (!(error instanceof MountError)) throw error;
        this.#reporter.tell('Warning', 'FailedMount', error.message);
        await this.#pauses.for(this.#settings.timings.retryMs);
      }
    }
    return false;
  }

  /** Runs an init container until it succeeds; false if the pod cannot go on. */
  async #initialize(run: ContainerRun): Promise<boolean> {
    await this.#keepRunning(run, true);
    const succeeded = run.state.terminated?.exitCode === 0;
    this.#failedEarly ||= !succeeded && !this.#pauses.ended;
    return succeeded && !this.#pauses.ended;
  }

  async #keepRunning(run: ContainerRun, isInit = false): Promise<void> {
    let backoffMs = this.#settings.timings.restartBackoffMs;
    while (!this.#pauses.ended) {
      const exit = await this.#runOnce(run);
      if (exit === undefined || this.#pauses.ended || !this.#restarts(exit, isInit)) return;
      if (run.restartCount > 0) {
        this.#holdBack(run, backoffMs);
        await this.#pauses.for(backoffMs);
        backoffMs = Math.min(backoffMs * 2, this.#settings.timings.maxRestartBackoffMs);
      }
      if (!this.#pauses.ended) run.restartCount += 1;
    }
  }

  #holdBack(run: ContainerRun, backoffMs: number): void {
    const { name } = run.container;
    const where = `container=${name} pod=${fullName(this.pod)}`;
    run.wait('CrashLoopBackOff', `back-off ${backoffMs / 1000}s restarting failed ${where}`);
    const message = `Back-off restarting failed container ${name} in pod ${fullName(this.pod)}`;
    this.#reporter.tell('Warning', 'BackOff', message, name);
    this.#publish();
  }

  #restarts({ exitCode }: ContainerExit, isInit: boolean): boolean {
    const { restartPolicy = 'Always' } = this.pod.spec;
    if (exitCode === 0) return restartPolicy === 'Always' && !isInit;
    return restartPolicy !== 'Never';
  }

  /** From the image to the exit; undefined if the pod ended before the container began. */
  async #runOnce(run: ContainerRun): Promise<ContainerExit | undefined> {
    const image = await this.#puller.pull(run, this.pod, this.#pauses, () => this.#publish());
    const context = image === undefined ? undefined : await this.#configure(run, image);
    if (image === undefined || context === undefined) return undefined;
    const exit = await this.#start(run, image, context);
    run.ended(exit, this.#reporter.now());
    this.#publish();
    return exit;
  }

  async #start(run: ContainerRun, image: RunnableImage, context: ContainerContext): Promise<ContainerExit> {
    const { clock } = this.#settings;
    const { name } = run.container;
    const log = new ContainerLog(clock);
    run.openLog(log);
    this.#reporter.tell('Normal', 'Created', `Created container ${name}`, name);
    try {
      const running =
        image.kind === 'process'
          ? await startProcessContainer(image, context, log)
          : startScriptedContainer(image, context, log, clock);
      run.started(running, this.#reporter.now());
      this.#reporter.tell('Normal', 'Started', `Started container ${name}`, name);
      this.#publish();
      // The pod was told to end while its process started.
      if (this.#pauses.ended) running.signal(this.#killTimer === undefined ? 'SIGKILL' : 'SIGTERM');
      return await running.exited;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#reporter.tell('Warning', 'Failed', `Error: ${error.message}`, name);
      return { exitCode: 128, reason: 'StartError', message: error.message };
    }
  }

  /** Waits until everything that the container refers to is there. */
  async #configure(run: ContainerRun, image: RunnableImage): Promise<ContainerContext | undefined> {
    while (!this.#pauses.ended) {
      try {
        return contextOf(run, this.#volumes.mountsOf(run.container), this.#context(), image.user);
      } catch (error) {
        if (!(error instanceof ContainerConfigError)) throw error;
        run.wait('CreateContainerConfigError', error.message);
        this.#reporter.tell('Warning', 'Failed', `Error: ${error.message}`, run.container.name);
        this.#publish();
        await this.#pauses.for(this.#settings.timings.retryMs);
      }
    }
    return undefined;
  }

  #context(): EnvironmentContext {
    const { store } = this.#settings;
    return { store, pod: store.get('pods', this.pod.metadata) ?? this.pod, node: this.#node };
  }

  #signal(signal: NodeJS.Signals): void {
    for (const { running } of [...this.#initRuns, ...this.#runs]) running?.signal(signal);
  }

  #progress(): PodProgress {
    return {
      initialized: this.#initialized,
      containers: this.#runs.map((run) => run.toStatus()),
      restartPolicy: this.pod.spec.restartPolicy ?? 'Always',
      ending: this.#pauses.ended,
      failedEarly: this.#failedEarly,
    };
  }

  /** Writes what is known of the containers into the pod's status. */
  #publish(): void {
    const progress = this.#progress();
    const verdict = this.#pauses.ended ? this.#verdict : undefined;
    this.#reporter.update(({ status }) => {
      const over = this.#runs.every(({ running }) => running === undefined);
      status.phase = verdict !== undefined && over ? 'Failed' : podPhase(progress);
      if (verdict !== undefined) Object.assign(status, verdict);
      status.containerStatuses = [...progress.containers];
      if (this.#initRuns.length > 0) status.initContainerStatuses = this.#initRuns.map((run) => run.toStatus());
      status.conditions ??= [];
      for (const condition of podConditions(progress, status.phase))
        setCondition(status.conditions, condition, this.#reporter.now());
    });
  }
}
