/** Reads kubeconfigs: which files, how they merge, which context counts. What is in them is never told, only where it is. */
import { ConfigError } from '@splitrock/core/plugin';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const text = z.string().nullish();

/** What is read here; anything else in a kubeconfig is passed on to who understands it. */
const clusterSchema = z.looseObject({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});
const userSchema = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
});
const contextSchema = z.looseObject({ cluster: text, user: text, namespace: text });

const kubeconfigSchema = z.looseObject({
  clusters: z.array(z.looseObject({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: userSchema })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context: contextSchema })).nullish(),
  'current-context': text,
});

export type KubeconfigCluster = z.output<typeof clusterSchema>;
export type KubeconfigUser = z.output<typeof userSchema>;

export interface KubeContext {
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
  readonly namespace: string | undefined;
  /** Where it was found, for people: `context prod of /home/ada/.kube/config`. */
  readonly source: string;
}

export interface KubeContextOptions {
  /** Path of a kubeconfig. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Fields that name a file, relative to the kubeconfig that they are in. */
const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'] as const;

/** @throws ConfigError `KUBE_CONFIG_INVALID`, saying what was tried; never what is in it. */
export function readKubeContext({ kubeconfig, context }: KubeContextOptions, env: Environment): KubeContext {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  const usual = join(env['HOME'] ?? homedir(), '.kube', 'config');
  const usualIfThere = existsSync(usual) ? [usual] : [];
  const files = kubeconfig === undefined ? (listed.length > 0 ? listed : usualIfThere) : [kubeconfig];
  if (files.length > 0) return selectContext(files.map(readKubeconfig), files.join(', '), context);
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`)) return ownPod(env);
  throw invalidKubeconfig(
    'there is none',
    `tried the option kubeconfig, KUBECONFIG, ${usual}, the service account of a pod`,
  );
}

export const invalidKubeconfig = (why: string, source: string, cause?: unknown): ConfigError =>
  new ConfigError(
    'KUBE_CONFIG_INVALID',
    `No Kubernetes cluster can be used: ${why} [kubeconfig=${source}]; see \`kubectl config get-contexts\`.`,
    { cause, details: { source } },
  );

type Kubeconfig = z.output<typeof kubeconfigSchema>;

function readKubeconfig(file: string): Kubeconfig {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    // The parser's message quotes the file, and the file holds keys: neither it nor the cause is passed on.
    const { code } = cause as NodeJS.ErrnoException;
    throw invalidKubeconfig(code === 'ENOENT' ? 'the file does not exist' : `it is not YAML (${code ?? ''})`, file);
  }
  const parsed = kubeconfigSchema.safeParse(content ?? {});
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
    throw invalidKubeconfig(`it is not a kubeconfig (${paths})`, file);
  }
  const { clusters, users } = parsed.data;
  const held: Record<string, unknown>[] = [
    ...(clusters ?? []).map(({ cluster }) => cluster),
    ...(users ?? []).map(({ user }) => user),
  ];
  for (const each of held) {
    for (const path of PATHS) if (typeof each[path] === 'string') each[path] = resolve(dirname(file), each[path]);
  }
  return parsed.data;
}

/** Of entries with one name, and of current contexts, the first counts, as for kubectl. */
function selectContext(configs: readonly Kubeconfig[], origin: string, wanted: string | undefined): KubeContext {
  const contexts = configs.flatMap(({ contexts }) => contexts ?? []);
  const names = [...new Set(contexts.map(({ name }) => name))];
  const known = names.length === 0 ? 'it has no contexts' : `its contexts are ${names.join(', ')}`;
  const current = configs.map((config) => config['current-context']).find((name) => name != null && name !== '');
  const chosen = wanted ?? current;
  if (chosen == null) throw invalidKubeconfig(`it has no current context, and ${known}`, origin);
  const entry = contexts.find(({ name }) => name === chosen);
  if (entry === undefined) throw invalidKubeconfig(`it has no context ${chosen}; ${known}`, origin);
  const source = `context ${chosen} of ${origin}`;
  const { context } = entry;
  const cluster = configs.flatMap(({ clusters }) => clusters ?? []).find(({ name }) => name === context.cluster);
  const user = configs.flatMap(({ users }) => users ?? []).find(({ name }) => name === context.user);
  if (cluster === undefined) throw invalidKubeconfig('its context names a cluster that is not there', source);
  if (user === undefined) throw invalidKubeconfig('its context names a user that is not there', source);
  return { cluster: cluster.cluster, user: user.user, namespace: context.namespace ?? undefined, source };
}

function ownPod(env: Environment): KubeContext {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const namespaceFile = `${SERVICE_ACCOUNT}/namespace`;
  return {
    cluster: {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`,
      'certificate-authority': `${SERVICE_ACCOUNT}/ca.crt`,
    },
    user: { tokenFile: `${SERVICE_ACCOUNT}/token` },
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
    source: 'the pod’s service account',
  };
}
