/** The cluster's certificates, made by openssl, and the administrator's kubeconfig. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { run } from './commands.ts';
import { API_URL, NODE_GATEWAY, POD_GATEWAY, kubeconfigFile, pkiFile } from './place.ts';

const DAYS = '365';
const NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
const ADDRESSES = ['127.0.0.1', '10.96.0.1', POD_GATEWAY, NODE_GATEWAY];

/** What an API client needs to be the administrator. */
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export async function makePki(): Promise<void> {
  await mkdir(dirname(pkiFile('ca.crt')), { recursive: true, mode: 0o700 });
  await openssl('req -x509 -newkey rsa:2048 -nodes -subj /CN=splitrock-test-ca -keyout ca.key -out ca.crt -days', DAYS);
  await openssl('genrsa -out service-accounts.key 2048');
  await openssl('rsa -in service-accounts.key -pubout -out service-accounts.pub');
  const names = [...NAMES.map((name) => `DNS:${name}`), ...ADDRESSES.map((address) => `IP:${address}`)];
  await writeFile(pkiFile('api.ext'), `subjectAltName=${names.join(',')}`);
  await certificate('api', '/CN=kube-apiserver', ['-extfile', 'api.ext']);
  await certificate('admin', '/O=system:masters/CN=admin');
  await writeFile(kubeconfigFile, await kubeconfigText(), { mode: 0o600 });
}

export async function readCredentials(): Promise<Credentials> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(pkiFile(name), 'utf8')),
  );
  return { ca: ca as string, cert: cert as string, key: key as string };
}

async function certificate(name: string, subject: string, extensions: readonly string[] = []): Promise<void> {
  await openssl(`req -newkey rsa:2048 -nodes -keyout ${name}.key -out ${name}.csr -subj`, subject);
  const sign = `x509 -req -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out ${name}.crt -days ${DAYS}`;
  await openssl(sign, ...extensions);
}

/** @param words - arguments without blanks in them @param more - further ones, as they are */
const openssl = (words: string, ...more: readonly string[]): Promise<string> =>
  run('openssl', [...words.split(' '), ...more], dirname(pkiFile('ca.crt')));

/** JSON is YAML. */
async function kubeconfigText(): Promise<string> {
  const { ca, cert, key } = await readCredentials();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const name = 'splitrock-test';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: API_URL, 'certificate-authority-data': base64(ca) } }],
    users: [{ name, user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
