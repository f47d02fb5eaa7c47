/** What the commands of `splitrock k8s` do, with the package that comes with the Kubernetes backends. */
import { pathToFileURL } from 'node:url';
import { resolvePackage } from '@splitrock/core';
import { PluginError } from '@splitrock/core/plugin';
import type { CliContext } from '../cli-context.ts';
import { EXIT_CODES } from '../exit-codes.ts';

export interface RbacFlags {
  readonly namespace: string;
  readonly name: string;
  readonly perNode?: boolean;
  readonly jobs?: boolean;
}

export interface ClusterFlags {
  readonly json?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly perNode?: boolean;
  readonly jobs?: boolean;
}

/** What is used of the package, which is the backends' dependency and not the command's: it may not be installed. */
interface K8sCommon {
  rbacManifest(options: { namespace: string; name: string; perNode: boolean; jobs: boolean }): string;
  checkClusterAccess(
    options: Omit<ClusterFlags, 'json' | 'perNode'> & { readonly sizing: { readonly kind: string } },
    operation: { readonly signal: AbortSignal },
  ): Promise<{ source: string; server: string; namespace: string; missing: readonly string[] }>;
}

const PACKAGE = '@splitrock/k8s-common';

export async function printRbac(
  context: CliContext,
  { namespace, name, perNode = false, jobs = false }: RbacFlags,
): Promise<void> {
  const k8s = await loadK8sCommon(context);
  context.output.stdout.write(k8s.rbacManifest({ namespace, name, perNode, jobs }));
}

export async function checkCluster(
  context: CliContext,
  { json, perNode = false, ...where }: ClusterFlags,
): Promise<void> {
  const k8s = await loadK8sCommon(context);
  const sizing = { kind: perNode ? 'per-node' : 'fixed' };
  const access = await k8s.checkClusterAccess({ ...where, sizing }, { signal: context.signal });
  if (access.missing.length > 0) context.setExitCode(EXIT_CODES.failure);
  if (json === true) return context.output.json(access);
  const { output } = context;
  output.line(`cluster    ${access.server} (${access.source})`);
  output.line(`namespace  ${access.namespace}`);
  for (const each of access.missing) output.line(`missing    ${each}`);
  const also = `${perNode ? ' --per-node' : ''}${where.jobs === true ? ' --jobs' : ''}`;
  const flags = `--namespace ${access.namespace}${also}`;
  output.line(
    access.missing.length === 0
      ? 'all that is needed is allowed'
      : `ask for what \`splitrock k8s rbac ${flags}\` prints`,
  );
}

async function loadK8sCommon({ cwd, resolveFrom }: CliContext): Promise<K8sCommon> {
  for (const base of [pathToFileURL(`${cwd}/`), ...resolveFrom, import.meta.url]) {
    const url = resolvePackage(PACKAGE, new URL(base));
    if (url !== undefined) return (await import(url.href)) as K8sCommon;
  }
  throw new PluginError(
    'PLUGIN_NOT_FOUND',
    `The Kubernetes backends are not installed here [package=${PACKAGE}, folder=${cwd}]; ` +
      'run `npm install @splitrock/backend-k8s` or `@splitrock/backend-k8s-rabbitmq`.',
  );
}
