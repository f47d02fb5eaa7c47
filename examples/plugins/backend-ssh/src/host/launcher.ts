/**
 * What runs on a host first: says what is there, takes the worker runtime if it is missing, and starts the worker.
 *
 * Its text is sent with the ssh command, so it uses nothing but its parameters, and only syntax that old versions of
 * Node can read: one that is too old must be able to say so. Messages are frames, as everywhere (a length of four
 * bytes, little endian, and so many bytes): first `Hello` from here; then the runtime's archive if it is not
 * installed; then the worker's bootstrap. All that follows in either direction is between client and worker.
 */

export interface LaunchRequest {
  /** Stands before the first frame: whatever a login shell writes before that is passed over. */
  readonly marker: string;
  readonly workerId: string;
  readonly directory: string;
  /** Of the archive, which also names the runtime's folder. */
  readonly sha256: string;
  readonly exit: typeof LAUNCH_EXIT;
}

/** What a host says of itself. */
export interface Hello {
  /** Node's version without the `v`. */
  readonly node: string;
  /** The version of structured clone that its Node writes. */
  readonly clone: number;
  readonly cpus: number;
  /** Whether the runtime is there, and whole. */
  readonly installed: boolean;
}

/** Exit codes of its own, beside those of the worker and 128 + the signal that ended it. */
export const LAUNCH_EXIT = { notStored: 73, notStarted: 71 } as const;

/** `require`; the names of modules stand there as old versions know them, without `node:`. */
type Load = (name: string) => never;

export function launch(load: Load, request: LaunchRequest): void {
  const fs: typeof import('node:fs') = load('fs');
  const os: typeof import('node:os') = load('os');
  const path: typeof import('node:path') = load('path');
  const zlib: typeof import('node:zlib') = load('zlib');
  const crypto: typeof import('node:crypto') = load('crypto');
  const childProcess: typeof import('node:child_process') = load('child_process');
  const v8: typeof import('node:v8') = load('v8');
  const directory = request.directory.replace(/^~(?=\/|$)/, os.homedir());
  const runtime = path.join(directory, 'runtime-' + request.sha256.slice(0, 32));

  const sha256 = (bytes: Uint8Array): string => crypto.createHash('sha256').update(bytes).digest('hex');
  const filesIn = (archive: Uint8Array): Record<string, string> =>
    JSON.parse(zlib.gunzipSync(archive).toString()) as Record<string, string>;

  function fail(exitCode: number, what: string, error: unknown): never {
    const code = (error as NodeJS.ErrnoException).code;
    process.stderr.write('splitrock: ' + what + ' [' + (code || String(error)) + ']\n');
    process.exit(exitCode);
  }

  /** The stream is read to the byte: what comes after is the worker's. */
  function read(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      let count = 0;
      try {
        count = fs.readSync(0, bytes, at, size - at, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        continue;
      }
      // The client has gone.
      if (count === 0) process.exit(0);
      at += count;
    }
    return bytes;
  }

  const readFrame = (): Buffer => read(read(4).readUInt32LE(0));

  function isInstalled(): boolean {
    try {
      const archive = fs.readFileSync(path.join(runtime, 'archive'));
      if (sha256(archive) !== request.sha256) return false;
      const files = filesIn(archive);
      return Object.keys(files).every((name) => fs.readFileSync(path.join(runtime, name), 'utf8') === files[name]);
    } catch {
      return false;
    }
  }

  function install(archive: Buffer): void {
    if (sha256(archive) !== request.sha256) throw new Error('it came damaged');
    const files = filesIn(archive);
    const unfinished = runtime + '.' + process.pid;
    Object.keys(files).forEach((name) => {
      const file = path.join(unfinished, name);
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      fs.writeFileSync(file, files[name] as string, { mode: 0o600 });
    });
    fs.writeFileSync(path.join(unfinished, 'archive'), archive, { mode: 0o600 });
    try {
      fs.renameSync(unfinished, runtime);
    } catch {
      // Another client was faster, or what is there is damaged.
      if (!isInstalled()) {
        fs.renameSync(runtime, unfinished + '.damaged');
        fs.renameSync(unfinished, runtime);
      }
      [unfinished, unfinished + '.damaged'].forEach((folder) => fs.rmSync(folder, { recursive: true, force: true }));
    }
  }

  function start(bootstrap: Buffer): void {
    const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'splitrock-' + request.workerId + '-'));
    const env = Object.assign({}, process.env, { TMPDIR: temporary });
    const main = path.join(runtime, 'lib', 'main.js');
    const child = childProcess.spawn(process.execPath, [main, '--bootstrap', 'fd:3'], {
      // A group of its own, of which nobody is left when the worker has ended.
      detached: true,
      stdio: ['ignore', 2, 2, 'pipe', 0, 1],
      env,
    });
    const pipe = child.stdio[3] as import('node:stream').Writable;
    // A worker that dies before it has read this is told by its exit.
    pipe.on('error', () => {});
    pipe.end(bootstrap);
    ['SIGTERM', 'SIGINT', 'SIGHUP'].forEach((signal) => process.on(signal, () => child.kill('SIGTERM')));
    child.on('error', (error) => fail(request.exit.notStarted, 'the worker cannot be started', error));
    child.on('exit', (code, signal) => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // Nobody is left of it.
      }
      fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
      process.exit(signal === null ? code : 128 + os.constants.signals[signal]);
    });
  }

  const installed = isInstalled();
  const hello = Buffer.from(
    JSON.stringify({
      node: process.versions.node,
      clone: v8.serialize(0)[1],
      cpus: os.availableParallelism ? os.availableParallelism() : os.cpus().length,
      installed,
    }),
  );
  const header = Buffer.alloc(4);
  header.writeUInt32LE(hello.length, 0);
  fs.writeSync(1, Buffer.concat([Buffer.from(request.marker), header, hello]));
  if (!installed) {
    const archive = readFrame();
    try {
      install(archive);
    } catch (error) {
      fail(request.exit.notStored, 'the worker runtime cannot be stored in ' + directory, error);
    }
  }
  start(readFrame());
}
