/**
 * The way to an API server: its address, and what each request needs to be let in.
 *
 * Certificates, tokens and passwords are read here. Contexts with credential helpers (`exec`, `auth-provider`) or a proxy
 * are left to `@kubernetes/client-node`, which costs half a second and 88 MiB and is imported for nothing else.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { invalidKubeconfig, readKubeContext, type KubeContext, type KubeContextOptions } from './kubeconfig.ts';

export interface KubeAccessOptions extends KubeContextOptions {
  readonly namespace?: string | undefined;
}

type Authorization = Pick<https.RequestOptions, 'agent' | 'auth'> & { readonly headers: http.OutgoingHttpHeaders };

export interface KubeAccess {
  readonly server: URL;
  /** As configured, else the context's, else `default`. */
  readonly namespace: string;
  /** Where this was found, for people: `context prod of /home/ada/.kube/config`. */
  readonly source: string;
  /** What a request needs beyond its address. Asked for each request: tokens are renewed. */
  authorize(): Promise<Authorization>;
  /** Closes the connections that are kept. */
  close(): void;
}

/** @throws ConfigError `KUBE_CONFIG_INVALID`, saying what was tried; never what is in it. */
export async function loadKubeAccess(
  options: KubeAccessOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<KubeAccess> {
  const context = readKubeContext(options, env);
  const { source } = context;
  const server = context.cluster.server ?? '';
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw invalidKubeconfig('its cluster has no address that begins with https:// or http://', source);
  }
  const agents = new Agents(server.startsWith('https:'));
  const credentials = isPlain(context) ? async () => plainOptions(context) : await helperOptions(context);
  return {
    server: new URL(server),
    namespace: options.namespace ?? context.namespace ?? 'default',
    source,
    async authorize() {
      let request: https.RequestOptions;
      try {
        request = await credentials();
      } catch (cause) {
        const words = cause instanceof Error ? cause.message : String(cause);
        throw invalidKubeconfig(`its credentials cannot be used: ${words}`, source, cause);
      }
      const { auth, headers = {} } = request;
      const agent = context.cluster['proxy-url'] && request.agent ? request.agent : agents.for(request);
      return { agent, headers: { ...(headers as http.OutgoingHttpHeaders) }, ...(auth == null ? {} : { auth }) };
    },
    close: () => agents.close(),
  };
}

const isPlain = ({ cluster, user }: KubeContext): boolean =>
  !cluster['proxy-url'] && !('exec' in user) && !('auth-provider' in user) && !('as' in user);

function plainOptions({ cluster, user }: KubeContext): https.RequestOptions {
  const token = user.token ?? (user.tokenFile ? readFileSync(user.tokenFile, 'utf8').trim() : undefined);
  return {
    ...given('ca', cluster['certificate-authority-data'], cluster['certificate-authority']),
    ...given('cert', user['client-certificate-data'], user['client-certificate']),
    ...given('key', user['client-key-data'], user['client-key']),
    ...(cluster['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {}),
    ...(cluster['tls-server-name'] ? { servername: cluster['tls-server-name'] } : {}),
    ...(user.username ? { auth: `${user.username}:${user.password ?? ''}` } : {}),
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  };
}

function given(name: string, data: string | null | undefined, file: string | null | undefined): Record<string, Buffer> {
  if (data) return { [name]: Buffer.from(data, 'base64') };
  return file ? { [name]: readFileSync(file) } : {};
}

async function helperOptions({ cluster, user }: KubeContext): Promise<() => Promise<https.RequestOptions>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const name = 'selected';
  config.loadFromString(
    // JSON is YAML.
    JSON.stringify({
      clusters: [{ name, cluster }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    }),
  );
  return async () => {
    const request: https.RequestOptions = {};
    await config.applyToHTTPSOptions(request);
    return request;
  };
}

/** One agent for as long as the credentials stay the same, so that connections are kept; one with old ones ends its work. */
class Agents {
  readonly #isSecure: boolean;
  readonly #all: http.Agent[] = [];
  #key = '';
  #agent: http.Agent | undefined;

  constructor(isSecure: boolean) {
    this.#isSecure = isSecure;
  }

  for({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: https.RequestOptions): http.Agent {
    const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
    const hash = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
    if (this.#agent === undefined || hash !== this.#key) {
      const set = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
      this.#agent = this.#isSecure ? new https.Agent({ ...set, keepAlive: true }) : new http.Agent({ keepAlive: true });
      this.#all.push(this.#agent);
      this.#key = hash;
    }
    return this.#agent;
  }

  close(): void {
    for (const agent of this.#all.splice(0)) agent.destroy();
    this.#agent = undefined;
  }
}
