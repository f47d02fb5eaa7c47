/** One node of the cluster: it runs the pods that the scheduler gives it. */
import { isFinished, type Pod } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import { ImagePuller } from './image-puller.ts';
import type { KubeletSettings } from './node-settings.ts';
import { PodAgent, type PodVerdict } from './pod-agent.ts';

export class Kubelet {
  readonly name: string;
  readonly #settings: KubeletSettings;
  readonly #puller: ImagePuller;
  readonly #subnet: number;
  readonly #agents = new Map<string, PodAgent>();
  /** Pods whose deletion is under way, with the grace period that it was told of last. */
  readonly #ending = new Map<string, number>();
  readonly #closing = new Set<Promise<void>>();
  #addresses = 1;
  #isAlive = true;

  constructor(name: string, subnet: number, settings: KubeletSettings) {
    this.name = name;
    this.#subnet = subnet;
    this.#settings = settings;
    this.#puller = new ImagePuller(name, settings);
  }

  /** Whether the machine runs. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** The address of the machine, which nobody can be reached at: it is none. */
  get address(): string {
    return `10.0.0.${this.#subnet}`;
  }

  agentOf(pod: Pod): PodAgent | undefined {
    return this.#agents.get(pod.metadata.uid);
  }

  /** Brings what runs here in line with a pod as the API has it now. */
  sync(pod: Pod): void {
    if (!this.#isAlive) return;
    const agent = this.#agents.get(pod.metadata.uid);
    if (pod.metadata.deletionTimestamp !== undefined) this.#end(pod, agent);
    else if (agent === undefined && !isFinished(pod)) this.#start(pod);
  }

  /** The API knows the pod no more: whatever is left of it goes. */
  forget(pod: Pod): void {
    const { uid } = pod.metadata;
    const agent = this.#agents.get(uid);
    this.#agents.delete(uid);
    this.#ending.delete(uid);
    if (agent !== undefined) this.#track(agent.destroy());
  }

  /** Ends a pod for want of something on the node; it stays in the API as failed. */
  evict(pod: Pod, verdict: PodVerdict): void {
    const agent = this.#agents.get(pod.metadata.uid);
    if (agent === undefined) return;
    this.#settings.events.record(
      pod,
      'kubelet',
      { type: 'Warning', reason: 'Evicted', message: verdict.message },
      this.name,
    );
    this.#track(agent.terminate(0, verdict));
  }

  /** What a power cut does: every process ends, and nobody hears of it. */
  async powerOff(): Promise<void> {
    this.#isAlive = false;
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    this.#ending.clear();
    await Promise.all([...agents.map((agent) => agent.destroy()), ...this.#closing]);
  }

  /** Brings the machine back. Pods that it ran before are found dead. */
  powerOn(pods: readonly Pod[]): void {
    this.#isAlive = true;
    for (const pod of pods) {
      if (pod.metadata.deletionTimestamp !== undefined) this.sync(pod);
      else if (pod.status.startTime === undefined) this.sync(pod);
      else if (!isFinished(pod)) this.#tellLost(pod);
    }
  }

  #start(pod: Pod): void {
    const { store } = this.#settings;
    const node = store.get('nodes', { name: this.name });
    if (node === undefined) return;
    this.#agents.set(pod.metadata.uid, new PodAgent(pod, node, this.#nextAddress(), this.#puller, this.#settings));
  }

  #end(pod: Pod, agent: PodAgent | undefined): void {
    const { uid, deletionGracePeriodSeconds = 0 } = pod.metadata;
    const told = this.#ending.get(uid);
    if (told !== undefined && told <= deletionGracePeriodSeconds) return;
    this.#ending.set(uid, deletionGracePeriodSeconds);
    const message = `Stopping container ${pod.spec.containers[0]?.name ?? ''}`;
    if (agent !== undefined && told === undefined) {
      this.#settings.events.record(pod, 'kubelet', { reason: 'Killing', message }, this.name);
    }
    this.#track(this.#finish(pod, agent, deletionGracePeriodSeconds * 1000));
  }

  async #finish(pod: Pod, agent: PodAgent | undefined, graceMs: number): Promise<void> {
    await agent?.terminate(graceMs);
    const { store, registry } = this.#settings;
    const { uid } = pod.metadata;
    if (!this.#isAlive || store.get('pods', pod.metadata)?.metadata.uid !== uid) return;
    registry.delete('pods', pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } });
  }

  #tellLost(pod: Pod): void {
    const now = toTimestamp(this.#settings.clock.now());
    const restarts = pod.spec.restartPolicy === 'Always';
    this.#settings.store.update('pods', pod.metadata, ({ status }) => {
      if (!restarts) status.phase = 'Failed';
      for (const container of status.containerStatuses ?? []) {
        const terminated = {
          exitCode: 255,
          reason: 'Unknown',
          startedAt: container.state.running?.startedAt ?? null,
          finishedAt: now,
        };
        container.ready = false;
        container.started = false;
        container.state = { terminated };
      }
    });
    const lost = this.#settings.store.get('pods', pod.metadata);
    if (restarts && lost !== undefined) this.#start(lost);
  }

  /** One of this machine's own, so that pods, which are its processes, can listen there and be reached. */
  #nextAddress(): string {
    this.#addresses += 1;
    return `127.${this.#settings.network}.${this.#subnet}.${2 + (this.#addresses % 250)}`;
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#closing.delete(tracked));
    this.#closing.add(tracked);
  }
}
