import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import type { ContainerContext, ContainerExit, RunningContainer } from './container.ts';
import type { ContainerLog } from './container-log.ts';
import type { ScriptedImage } from './images.ts';

/** A container that only seems to run: it ends when its script says so, or when it is told to. */
export function startScriptedContainer(
  image: ScriptedImage,
  context: ContainerContext,
  log: ContainerLog,
  clock: Clock,
): RunningContainer {
  const run = typeof image.run === 'function' ? image.run(context) : image.run;
  for (const line of run.logs ?? []) log.append(`${line}\n`);
  let timer: ClockTimer | undefined;
  let end: (exit: ContainerExit) => void = () => {};
  const exited = new Promise<ContainerExit>((resolve) => {
    end = (exit) => {
      timer?.cancel();
      resolve(exit);
    };
  });
  if (run.runMs !== undefined) {
    const { exitCode = 0, reason = exitCode === 0 ? 'Completed' : 'Error' } = run;
    timer = clock.setTimer(() => end({ exitCode, reason }), run.runMs);
  }
  return {
    pid: undefined,
    exited,
    signal(signal) {
      if (signal === 'SIGKILL') end({ exitCode: 137, reason: 'Error' });
      else if (run.ignoresSigterm !== true) end({ exitCode: 143, reason: 'Error' });
    },
  };
}
