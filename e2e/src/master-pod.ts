/** The master of the classic backend as suites see it: its pod, what its job's workers start with, and its HTTP. */
import { request } from 'node:http';
import type { V1Pod } from '@kubernetes/client-node';
import type { WorkerBootstrap } from '@splitrock/core/plugin';
import { expect } from 'vitest';
import { core } from './surroundings.ts';
import { mainProcess, type World } from './world.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
/** As it is by default. */
const PORT = 8_473;

/** Of a world in which there is one at most. */
export class MasterPod {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Waits until it runs. */
  async pod(): Promise<V1Pod> {
    await expect.poll(async () => (await this.#world.runningPods('master')).length, PATIENCE).toBe(1);
    const [pod] = await this.#world.runningPods('master');
    if (pod === undefined) throw new Error('it has just gone');
    return pod;
  }

  /** Kills its process, which is not that of an earlier kill. */
  async kill(): Promise<void> {
    const pod = await this.pod();
    const pid = (): number | undefined => mainProcess(pod)?.pid;
    await expect.poll(pid, PATIENCE).toBeDefined();
    process.kill(pid() ?? 0, 'SIGKILL');
  }

  async log(): Promise<string> {
    const name = (await this.pod()).metadata?.name ?? '';
    return core.readNamespacedPodLog({ namespace: this.#world.namespace, name });
  }

  async ask(asked: MasterRequest): Promise<{ readonly status: number; readonly code: string | undefined }> {
    const host = (await this.pod()).status?.podIP ?? '';
    return ask(host, asked);
  }
}

export interface MasterRequest {
  readonly path: string;
  readonly token?: string;
  readonly body: Uint8Array;
}

function ask(host: string, { path, token, body }: MasterRequest): ReturnType<MasterPod['ask']> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { 'splitrock-token': token };
    const asking = request({ host, port: PORT, path, method: 'POST', headers });
    asking.on('error', reject);
    asking.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const code = text.startsWith('{') ? (JSON.parse(text) as { code: string }).code : undefined;
        asking.destroy();
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
    asking.end(body);
  });
}

/** What the workers of a job read when they start, its token among it. Waits for it. */
export async function bootstrapOf({ namespace }: World, jobId: string): Promise<JobBootstrap> {
  const read = async (): Promise<string | undefined> => {
    const { items } = await core.listNamespacedSecret({ namespace, labelSelector: `splitrock.dev/job=${jobId}` });
    return items[0]?.data?.['bootstrap.json'];
  };
  await expect.poll(read, PATIENCE).toBeDefined();
  return JSON.parse(Buffer.from((await read()) ?? '', 'base64').toString()) as JobBootstrap;
}

export type JobBootstrap = WorkerBootstrap & {
  readonly backend: { readonly options: { readonly job: { readonly token: string } } };
};
