import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { StartError, type ContainerContext, type ContainerExit, type RunningContainer } from './container.ts';
import type { ContainerLog } from './container-log.ts';
import type { ProcessImage } from './images.ts';
import { endGroup, killGroup, rememberGroup } from './process-groups.ts';

/** How long output is waited for after the main process has ended, in milliseconds of real time. */
const OUTPUT_GRACE_MS = 1_000;

/** Starts a container as a process group of its own. Throws {@link StartError} if the program cannot be run. */
export async function startProcessContainer(
  image: ProcessImage,
  context: ContainerContext,
  log: ContainerLog,
): Promise<RunningContainer> {
  const [program = '', ...args] = commandOf(image, context);
  const child = spawn(program, args, {
    cwd: context.workingDir ?? image.workingDirectory,
    env: { PATH: process.env['PATH'] ?? '', ...image.env, HOSTNAME: context.podName, ...context.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that everything it starts can be ended with it.
    detached: true,
  });
  const exited = outcomeOf(child, log);
  try {
    await once(child, 'spawn');
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? 'executable file not found in $PATH'
        : String(error);
    throw new StartError(
      `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "${program}": ${why}: unknown`,
    );
  }
  const { pid } = child;
  if (pid !== undefined) rememberGroup(pid);
  return {
    pid,
    exited,
    signal(signal) {
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      if (signal === 'SIGKILL') killGroup(pid);
      else child.kill(signal);
    },
  };
}

/** As with images: a command replaces the entrypoint and the image's arguments, arguments only the latter. */
function commandOf(image: ProcessImage, context: ContainerContext): readonly string[] {
  const { entrypoint, cmd = [] } = image;
  if (context.command.length > 0) return [...context.command, ...context.args];
  const program = typeof entrypoint === 'function' ? entrypoint(context) : entrypoint;
  return [...program, ...(context.args.length > 0 ? context.args : cmd)];
}

function outcomeOf(child: ChildProcess, log: ContainerLog): Promise<ContainerExit> {
  for (const stream of [child.stdout, child.stderr]) {
    const write = log.writer();
    stream?.on('data', write);
    stream?.on('close', () => write());
  }
  return new Promise((resolve) => {
    child.once('error', () => resolve({ exitCode: 128, reason: 'StartError' }));
    child.once('exit', (code, signal) => {
      // With its first process a container ends: what is left of the group goes with it.
      if (child.pid !== undefined) endGroup(child.pid);
      const exitCode = code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
      const finish = (): void => {
        clearTimeout(timer);
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' });
      };
      // A process that left the group may hold the pipes open for ever.
      const timer = setTimeout(finish, OUTPUT_GRACE_MS);
      child.once('close', finish);
    });
  });
}
