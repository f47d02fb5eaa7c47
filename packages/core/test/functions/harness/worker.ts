/** The worker's side of the suite: runs what it is given, knowing nothing of where it came from. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { loadFunction } from '../../../src/functions/load-function.ts';

export interface WorkerRequest {
  readonly name: string;
  readonly sha256: string;
  readonly artifact: Uint8Array;
  readonly environment: Uint8Array;
  readonly item: Uint8Array;
}

export type WorkerReply =
  | { readonly name: string; readonly threw: boolean; readonly result: Uint8Array }
  /** The stack of what went wrong outside of the function itself. */
  | { readonly name: string; readonly trouble: string };

async function answer(request: WorkerRequest, cacheDirectory: string): Promise<WorkerReply> {
  const { name } = request;
  try {
    const loaded = await loadFunction({ ...request, cacheDirectory });
    const item = loaded.decodeInput(request.item);
    let outcome: { threw: boolean; value: unknown };
    try {
      outcome = { threw: false, value: await loaded.call(item, {}) };
    } catch (error) {
      outcome = { threw: true, value: error };
    }
    return { name, threw: outcome.threw, result: loaded.encodeResult(outcome.value) };
  } catch (error) {
    return { name, trouble: (error as Error).stack ?? String(error) };
  }
}

const [requestFile, replyFile] = process.argv.slice(2) as [string, string];
const cacheDirectory = await mkdtemp(join(tmpdir(), 'splitrock-shapes-worker-'));
try {
  const requests = deserialize(await readFile(requestFile)) as WorkerRequest[];
  const replies: WorkerReply[] = [];
  for (const request of requests) replies.push(await answer(request, cacheDirectory));
  await writeFile(replyFile, serialize(replies));
} finally {
  await rm(cacheDirectory, { recursive: true, force: true });
}
