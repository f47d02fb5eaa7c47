/** `splitrock k8s`. */
import type { Command } from 'commander';
import type { CliContext } from '../cli-context.ts';
import { withJson } from '../common-options.ts';
import type { ClusterFlags, RbacFlags } from '../k8s/k8s-commands.ts';

export function addK8sCommand(program: Command, context: CliContext): void {
  const k8s = program
    .command('k8s')
    .summary('permissions on a Kubernetes cluster')
    .description('What worker pods on a Kubernetes cluster need.');
  const load = () => import('../k8s/k8s-commands.ts');

  k8s
    .command('rbac')
    .summary('print the permissions that clients need')
    .description('Prints a service account with the least rights that a pool of workers needs, as YAML for kubectl.')
    .option('--namespace <name>', 'where workers run', 'default')
    .option('--name <name>', 'of the service account and its roles', 'splitrock')
    .option('--per-node', 'also what sizing workers to nodes needs: to see all nodes and what runs on them')
    .option('--jobs', 'also what the backend k8s needs: to make Jobs and to reach the master among their pods')
    .addHelpText('after', '\nExample:\n  splitrock k8s rbac --namespace work | kubectl apply -f -')
    .action(async (options: RbacFlags) => (await load()).printRbac(context, options));

  withJson(k8s.command('check'))
    .summary('tell what is not allowed on the cluster')
    .description('Asks the cluster what you may do there, and tells what a pool of workers needs beyond it.')
    .option('--kubeconfig <file>', 'as kubectl without it')
    .option('--context <name>', 'of the kubeconfig; its current one without it')
    .option('--namespace <name>', 'where workers run; the context’s without it')
    .option('--per-node', 'also what sizing workers to nodes needs')
    .option('--jobs', 'also what the backend k8s needs')
    .action(async (options: ClusterFlags) => (await load()).checkCluster(context, options));
}
