/** The machines of the cluster, each with its kubelet. */
import { WorkQueue } from '../controllers/work-queue.ts';
import { keyText } from '../objects/names.ts';
import type { Pod } from '../objects/pod.ts';
import { isChangeOf, type Change } from '../store/change.ts';
import { Kubelet } from './kubelet.ts';
import type { KubeletSettings } from './node-settings.ts';

export class Machines {
  readonly #settings: KubeletSettings;
  readonly #kubelets = new Map<string, Kubelet>();
  readonly #gone = new Map<string, Pod[]>();
  readonly #queue = new WorkQueue((key) => this.#sync(key));
  readonly #unsubscribe: () => void;

  constructor(settings: KubeletSettings) {
    this.#settings = settings;
    this.#unsubscribe = settings.store.onChange((change) => this.#follow(change));
  }

  /** Makes a machine of this name, or gives the one that there is. */
  machine(name: string): Kubelet {
    let kubelet = this.#kubelets.get(name);
    if (kubelet === undefined) {
      kubelet = new Kubelet(name, this.#kubelets.size + 1, this.#settings);
      this.#kubelets.set(name, kubelet);
    }
    return kubelet;
  }

  find(name: string | undefined): Kubelet | undefined {
    return name === undefined ? undefined : this.#kubelets.get(name);
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#queue.stop();
    await Promise.all([...this.#kubelets.values()].map((kubelet) => kubelet.powerOff()));
  }

  #follow(change: Change): void {
    if (!isChangeOf(change, 'pods') || change.object.spec.nodeName === undefined) return;
    const key = keyText(change.object.metadata);
    if (change.type === 'DELETED') this.#gone.set(key, [...(this.#gone.get(key) ?? []), change.object]);
    this.#queue.add(key);
  }

  #sync(key: string): void {
    for (const pod of this.#gone.get(key) ?? []) this.find(pod.spec.nodeName)?.forget(pod);
    this.#gone.delete(key);
    const [namespace, name = ''] = key.split('/');
    const pod = this.#settings.store.get('pods', { namespace, name });
    if (pod !== undefined) this.find(pod.spec.nodeName)?.sync(pod);
  }
}
