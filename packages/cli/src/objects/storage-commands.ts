/** `splitrock storage put|get|list|delete|stat`. */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { UserStorage, type ObjectInfo, type Storage } from '@splitrock/core/plugin';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withServices } from '../composition.ts';
import { UsageError } from '../output/error-report.ts';
import { count, formatBytes, formatMoment } from '../output/quantities.ts';
import { counted, fileOfKey, moveAll, planUploads, type Upload } from './transfer.ts';
import { transferProgress } from './transfer-progress.ts';

const withStorage = <T>(
  context: CliContext,
  options: CommonOptions,
  work: (storage: Storage) => Promise<T>,
): Promise<T> => withServices(context, options, async (services) => work(await services.storage()));

export async function putObjects(
  context: CliContext,
  path: string,
  key: string | undefined,
  options: CommonOptions,
): Promise<void> {
  const { output, signal } = context;
  if (path === '-' && (key === undefined || key.endsWith('/')))
    throw new UsageError('What comes from standard input needs a key.');
  const uploads = path === '-' ? [] : await planUploads(path, key);
  await withStorage(context, options, async (storage) => {
    const written =
      path === '-' ? [await putInput(context, storage, key as string)] : await putFiles(storage, uploads, context);
    if (options.json === true) output.json(written);
    else for (const { key: name, size } of written) output.line(`put ${name} (${formatBytes(size)})`);
  });
  signal.throwIfAborted();
}

interface Written {
  readonly key: string;
  readonly size: number;
}

async function putFiles(
  storage: Storage,
  uploads: readonly Upload[],
  { output, signal }: CliContext,
): Promise<readonly Written[]> {
  const progress = transferProgress(
    output.stderr,
    uploads.reduce((sum, { size }) => sum + size, 0),
  );
  try {
    const users = new UserStorage(storage);
    await moveAll(uploads, { onBytes: progress.add, signal }, ({ file, key }, options) =>
      users.upload(file, key, options),
    );
  } finally {
    progress.close();
  }
  return uploads.map(({ key, size }) => ({ key, size }));
}

async function putInput({ stdin, signal }: CliContext, storage: Storage, key: string): Promise<Written> {
  let size = 0;
  await storage.put(
    key,
    counted(stdin, (bytes) => (size += bytes)),
    { signal },
  );
  return { key, size };
}

export async function getObjects(
  context: CliContext,
  key: string,
  target: string | undefined,
  options: CommonOptions,
): Promise<void> {
  const { output, signal } = context;
  if (target === '-' && options.json === true)
    throw new UsageError('The object itself goes to standard output; --json does not.');
  await withStorage(context, options, async (storage) => {
    if (target === '-') {
      for await (const chunk of storage.getStream(key, { signal })) {
        if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
      }
      return;
    }
    const objects = key.endsWith('/') ? await listAll(storage, key, signal) : [await existing(storage, key, signal)];
    if (objects.length === 0)
      throw Object.assign(new Error(`No object’s key begins with ${key}.`), { code: 'STORAGE_OBJECT_NOT_FOUND' });
    const files = objects.map((object) => ({ ...object, file: targetFile(context, key, object.key, target) }));
    const progress = transferProgress(
      output.stderr,
      objects.reduce((sum, { size }) => sum + size, 0),
    );
    try {
      const users = new UserStorage(storage);
      await moveAll(files, { onBytes: progress.add, signal }, (item, moving) =>
        users.download(item.key, item.file, moving),
      );
    } finally {
      progress.close();
    }
    if (options.json === true) output.json(files.map(({ key: name, file, size }) => ({ key: name, file, size })));
    else for (const { key: name, file, size } of files) output.line(`got ${name} as ${file} (${formatBytes(size)})`);
  });
}

/** A prefix fills a folder (the working directory without one); a key becomes a file, named like it without one. */
function targetFile({ cwd }: CliContext, wanted: string, key: string, target: string | undefined): string {
  if (wanted.endsWith('/')) return fileOfKey(resolve(cwd, target ?? '.'), wanted, key);
  const name = key.split('/').at(-1) ?? key;
  if (target === undefined) return fileOfKey(cwd, '', name);
  return target.endsWith('/') ? fileOfKey(resolve(cwd, target), '', name) : resolve(cwd, target);
}

export async function listObjects(context: CliContext, prefix: string, options: CommonOptions): Promise<void> {
  const { output, signal } = context;
  await withStorage(context, options, async (storage) => {
    if (options.json === true) {
      output.json((await listAll(storage, prefix, signal)).map(describe));
      return;
    }
    let [objects, bytes] = [0, 0];
    for await (const { key, size, modifiedAtMs } of storage.list(prefix, { signal })) {
      output.line(`${formatMoment(modifiedAtMs)}  ${formatBytes(size).padStart(8)}  ${key}`);
      objects += 1;
      bytes += size;
    }
    output.note(`${count(objects, 'object')}, ${formatBytes(bytes)}`);
  });
}

export interface DeleteOptions extends CommonOptions {
  readonly prefix?: string;
  readonly dryRun?: boolean;
}

export async function deleteObjects(
  context: CliContext,
  keys: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const { output, signal } = context;
  if ((keys.length === 0) === (options.prefix === undefined))
    throw new UsageError('Give keys, or --prefix, but not both.');
  if (options.prefix === '') throw new UsageError('An empty prefix is every object of the storage; name a longer one.');
  await withStorage(context, options, async (storage) => {
    const doomed =
      options.prefix === undefined ? keys : (await listAll(storage, options.prefix, signal)).map(({ key }) => key);
    if (options.dryRun !== true) await storage.deleteMany(doomed, { signal });
    if (options.json === true) {
      output.json({ dryRun: options.dryRun === true, keys: doomed });
      return;
    }
    for (const key of doomed) output.line(`${options.dryRun === true ? 'would delete' : 'deleted'} ${key}`);
    if (doomed.length === 0) output.line('nothing to delete');
  });
}

export async function statObject(context: CliContext, key: string, options: CommonOptions): Promise<void> {
  const { output, signal } = context;
  await withStorage(context, options, async (storage) => {
    const object = await existing(storage, key, signal);
    if (options.json === true) output.json(describe(object));
    else output.line(`${key}: ${object.size} bytes, written ${formatMoment(object.modifiedAtMs)} UTC`);
  });
}

async function listAll(storage: Storage, prefix: string, signal: AbortSignal): Promise<readonly ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for await (const object of storage.list(prefix, { signal })) objects.push(object);
  return objects;
}

async function existing(storage: Storage, key: string, signal: AbortSignal): Promise<ObjectInfo> {
  const object = await storage.head(key, { signal });
  if (object !== undefined) return object;
  throw Object.assign(new Error(`No object has the key ${key}; \`splitrock storage list\` lists those there are.`), {
    code: 'STORAGE_OBJECT_NOT_FOUND',
  });
}

const describe = ({ key, size, modifiedAtMs }: ObjectInfo): object => ({
  key,
  size,
  modifiedAt: new Date(modifiedAtMs).toISOString(),
});
