import type { Pod } from '../objects/pod.ts';
import type { ContainerRun } from './container-run.ts';
import type { ImageLookup, ProcessImage, ScriptedImage } from './images.ts';
import type { KubeletSettings } from './node-settings.ts';
import type { Pauses } from './pauses.ts';

/** The images of one node: pulled once, present from then on. */
export class ImagePuller {
  readonly #node: string;
  readonly #settings: KubeletSettings;
  readonly #present = new Set<string>();

  constructor(node: string, settings: KubeletSettings) {
    this.#node = node;
    this.#settings = settings;
  }

  /** Gets a container's image, trying again with growing pauses; undefined if the pod ended before. */
  async pull(
    run: ContainerRun,
    pod: Pod,
    pauses: Pauses,
    publish: () => void,
  ): Promise<ProcessImage | ScriptedImage | undefined> {
    const { timings, images } = this.#settings;
    const { image, imagePullPolicy } = run.container;
    let backoffMs = timings.pullBackoffMs;
    while (!pauses.ended) {
      const lookup = images.lookUp(image);
      const isPresent = this.#present.has(image);
      if (imagePullPolicy === 'Never' && !isPresent && !this.#isPreloaded(lookup)) {
        this.#refuse(
          run,
          pod,
          'ErrImageNeverPull',
          `Container image "${image}" is not present with pull policy of Never`,
        );
        publish();
        await pauses.for(timings.retryMs);
        continue;
      }
      if ('found' in lookup) {
        await this.#fetch(run, pod, pauses, lookup.found, isPresent);
        return pauses.ended ? undefined : lookup.found;
      }
      this.#fail(run, pod, lookup);
      publish();
      // As long as a kubelet shows the failure before it says that it holds back.
      await pauses.for(timings.retryMs);
      if (pauses.ended) return undefined;
      if (lookup.reason === 'InvalidImageName') continue;
      const message = `Back-off pulling image "${image}"`;
      run.wait('ImagePullBackOff', message);
      this.#tell(pod, run, 'Normal', 'BackOff', message);
      this.#tell(pod, run, 'Warning', 'Failed', 'Error: ImagePullBackOff');
      publish();
      await pauses.for(backoffMs);
      backoffMs = Math.min(backoffMs * 2, timings.maxRestartBackoffMs);
    }
    return undefined;
  }

  /** An image that takes no time to pull counts as loaded into every node beforehand. */
  #isPreloaded(lookup: ImageLookup): boolean {
    return 'found' in lookup && (lookup.found.pullMs ?? 0) === 0;
  }

  async #fetch(
    run: ContainerRun,
    pod: Pod,
    pauses: Pauses,
    found: ProcessImage | ScriptedImage,
    isPresent: boolean,
  ): Promise<void> {
    const { image, imagePullPolicy } = run.container;
    const pullMs = found.pullMs ?? 0;
    if (isPresent ? imagePullPolicy !== 'Always' : pullMs === 0) {
      this.#tell(pod, run, 'Normal', 'Pulled', `Container image "${image}" already present on machine`);
    } else {
      this.#tell(pod, run, 'Normal', 'Pulling', `Pulling image "${image}"`);
      if (!isPresent) await pauses.for(pullMs);
      if (pauses.ended) return;
      this.#tell(pod, run, 'Normal', 'Pulled', `Successfully pulled image "${image}"`);
    }
    this.#present.add(image);
  }

  #fail(run: ContainerRun, pod: Pod, { reason, message }: { reason: string; message: string }): void {
    const { image } = run.container;
    if (reason === 'InvalidImageName') {
      run.wait(reason, message);
      this.#tell(pod, run, 'Warning', 'InspectFailed', message);
      this.#tell(pod, run, 'Warning', 'Failed', 'Error: InvalidImageName');
      return;
    }
    this.#tell(pod, run, 'Normal', 'Pulling', `Pulling image "${image}"`);
    this.#tell(pod, run, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
    this.#refuse(run, pod, reason, message);
  }

  #refuse(run: ContainerRun, pod: Pod, reason: string, message: string): void {
    run.wait(reason, message);
    this.#tell(pod, run, 'Warning', 'Failed', `Error: ${reason}`);
  }

  #tell(pod: Pod, run: ContainerRun, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const notice = { type, reason, message, container: run.container.name };
    this.#settings.events.record(pod, 'kubelet', notice, this.#node);
  }
}
