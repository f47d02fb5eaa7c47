/** What a function leaves to the workers' runtime is checked before anything of it is submitted. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { optionsIn, rejection, useFolder } from './support.ts';

const folder = useFolder();
const LOCALHOST = import.meta.resolve('@splitrock/backend-localhost');
let runtimes = 0;

/** Processes of this machine whose runtime reports packages, as an image does. */
async function runtimeWith(packages: Readonly<Record<string, string>>): Promise<FunctionExecutor> {
  const text = `
    import { plugin as local } from ${JSON.stringify(LOCALHOST)};
    export const plugin = {
      ...local,
      createBackend: (...args) => {
        const backend = local.createBackend(...args);
        const runtime = backend.runtime.bind(backend);
        return Object.assign(backend, {
          runtime: async () => ({ ...(await runtime()), packages: ${JSON.stringify(packages)} }),
          submit: () => Promise.reject(new Error('It was submitted.')),
        });
      },
    };`;
  const name = `./image-${(runtimes += 1)}.mjs`;
  await writeFile(join(folder.path, name), text);
  return new FunctionExecutor({ ...optionsIn(folder), backend: name, backends: {} });
}

describe('a package that is external', () => {
  it('and that the runtime lacks, or has in another version, is named to whoever waits', async () => {
    await using executor = await runtimeWith({ 'not-prettier': '1.0.0' });
    const dynamic = executor.map(async () => (await import('prettier')).version, [1], { external: ['prettier'] });
    const imported = executor.callAsync(() => prettier.version, undefined, { external: ['prettier'] });
    for (const error of await Promise.all([rejection(dynamic), rejection(imported.result())])) {
      expect(error).toMatchObject({
        code: 'BACKEND_CANNOT_RUN',
        message: expect.stringContaining(
          `needs the package prettier ${prettier.version}, which the runtime does not have`,
        ),
      });
    }
  });

  it('and that the runtime has is no reason to refuse', async () => {
    await using executor = await runtimeWith({ prettier: prettier.version });
    const error = await rejection(
      executor.callAsync(() => prettier.version, undefined, { external: ['prettier'] }).result(),
    );
    expect(error.message).toContain('It was submitted.');
  });
});
