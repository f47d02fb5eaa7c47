import type { Container } from '../objects/pod.ts';
import type { ContainerContext } from './container.ts';
import type { ContainerRun } from './container-run.ts';
import { ContainerConfigError, expand, resolveEnvironment, type EnvironmentContext } from './environment.ts';
import { fillInMountPaths, type Mounts } from './mount-paths.ts';
import { fullName } from './pod-reporter.ts';

/** Users of images are not root unless they say so. */
const DEFAULT_USER = 65_532;

/** What a container is started with. Throws {@link ContainerConfigError} for what is not there or not allowed. */
export function contextOf(
  { container, restartCount }: ContainerRun,
  mounts: Mounts,
  environment: EnvironmentContext,
  user = DEFAULT_USER,
): ContainerContext {
  const { pod, node } = environment;
  refuseRoot(container, environment, user);
  const plain = resolveEnvironment(container, environment);
  const fill = (text: string): string => fillInMountPaths(expand(text, plain), mounts);
  const env = Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, fillInMountPaths(value, mounts)]));
  // Programs write there without being told; in a pod this is the volume.
  const tmp = mounts['/tmp'];
  return {
    podName: pod.metadata.name,
    namespace: pod.metadata.namespace ?? '',
    nodeName: node.metadata.name,
    container: container.name,
    command: (container.command ?? []).map(fill),
    args: (container.args ?? []).map(fill),
    workingDir: container.workingDir === undefined ? undefined : fillInMountPaths(container.workingDir, mounts),
    env: { ...(tmp === undefined ? {} : { TMPDIR: tmp }), ...env },
    mounts,
    restarts: restartCount,
  };
}

function refuseRoot({ name, securityContext }: Container, { pod }: EnvironmentContext, user: number): void {
  const podContext = pod.spec.securityContext;
  const nonRoot = securityContext?.runAsNonRoot ?? podContext?.runAsNonRoot ?? false;
  const runAs = securityContext?.runAsUser ?? podContext?.runAsUser ?? user;
  if (!nonRoot || runAs !== 0) return;
  const where = `(pod: "${fullName(pod)}", container: ${name})`;
  throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}
