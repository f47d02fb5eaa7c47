/** Makes ready what every cluster here needs: Debian's packages, Kubernetes' programs, the sandboxes' image. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { installPackages, whyNotInstallable } from '@splitrock/services';
import { say, succeeds } from './commands.ts';
import { buildPauseImage } from './pause-image.ts';
import { CACHE, COMPONENTS, KUBERNETES_VERSION, pauseArchive, program, programs } from './place.ts';

/** What a running cluster uses. */
const PACKAGES =
  'etcd-server containerd runc containernetworking-plugins iproute2 iptables conntrack openssl buildah busybox-static'.split(
    ' ',
  );
/** What building Kubernetes takes. */
const BUILD_PACKAGES = 'golang-go golang-github-modern-go-reflect2-dev rsync dpkg-dev make gcc libc6-dev'.split(' ');
const SCRIPT = fileURLToPath(new URL('build-kubernetes.sh', import.meta.url));

/** Why no cluster can be started on this machine; `undefined` when one can. */
export function whyNoMachineCluster(): string | undefined {
  if (process.platform !== 'linux') return 'clusters are started on Linux only';
  if (process.getuid?.() !== 0) return 'only root can start one';
  return whyNotInstallable();
}

/** Installs and builds what is missing: minutes the first time, then a moment. */
export async function build(): Promise<void> {
  const reason = whyNoMachineCluster();
  if (reason !== undefined) throw new Error(reason);
  await install(PACKAGES);
  await mkdir(CACHE, { recursive: true });
  if (!isBuilt()) {
    await install(BUILD_PACKAGES);
    await buildPrograms();
  }
  if (!existsSync(pauseArchive)) await buildPauseImage();
}

const isBuilt = (): boolean => COMPONENTS.every((component) => existsSync(program(component)));

async function install(packages: readonly string[]): Promise<void> {
  const missing = [];
  for (const name of packages) if (!(await isInstalled(name))) missing.push(name);
  if (missing.length === 0) return;
  say(`installing ${missing.join(' ')}`);
  await installPackages(missing);
}

const isInstalled = (name: string): Promise<boolean> =>
  succeeds('sh', ['-c', `dpkg-query -W -f '\${Status}' "$1" | grep -q '^install ok installed'`, 'sh', name]);

async function buildPrograms(): Promise<void> {
  say(`building Kubernetes ${KUBERNETES_VERSION}, once: about seven minutes on two cores`);
  // One build at a time, whoever asks; the second one finds it done.
  const args = [`${programs}.lock`, 'sh', '-c', 'test -x "$1/kubelet" || exec bash "$0" "$2" "$1" $3', SCRIPT];
  const child = spawn('flock', [...args, programs, KUBERNETES_VERSION, COMPONENTS.join(' ')], {
    stdio: ['ignore', 2, 2],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 || !isBuilt()) throw new Error('Kubernetes could not be built; what failed is said above');
}
