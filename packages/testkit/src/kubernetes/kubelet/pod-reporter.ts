import type { Pod } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { KubeletSettings } from './node-settings.ts';

/** What a kubelet tells the API of one pod: its status, and events. */
export class PodReporter {
  readonly #pod: Pod;
  readonly #node: string;
  readonly #settings: KubeletSettings;
  #isSilent = false;

  constructor(pod: Pod, node: string, settings: KubeletSettings) {
    this.#pod = pod;
    this.#node = node;
    this.#settings = settings;
  }

  /** Nothing is told from now on: the pod is no longer in the API, or its node is dead. */
  silence(): void {
    this.#isSilent = true;
  }

  update(change: (draft: Pod) => void): void {
    if (this.#isSilent) return;
    const { metadata } = this.#pod;
    const { store } = this.#settings;
    // Another pod of the same name is none of this one's business.
    if (store.get('pods', metadata)?.metadata.uid === metadata.uid) store.update('pods', metadata, change);
  }

  tell(type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    if (this.#isSilent) return;
    this.#settings.events.record(this.#pod, 'kubelet', { type, reason, message, container }, this.#node);
  }

  now(): string {
    return toTimestamp(this.#settings.clock.now());
  }
}

/** `name_namespace(uid)`: a pod in the kubelet's messages. */
export function fullName({ metadata: { name, namespace, uid } }: Pod): string {
  return `${name}_${namespace}(${uid})`;
}
