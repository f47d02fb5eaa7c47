import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKubeAccess } from './kube-access.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'splitrock-kubeconfig-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SECRET = 'very-secret-token';
let files = 0;
function write(content: string): string {
  files += 1;
  const file = join(folder, `config-${files}`);
  writeFileSync(file, content);
  return file;
}

const config = (more: object = {}): string =>
  JSON.stringify({
    clusters: [
      { name: 'one', cluster: { server: 'https://one.example:6443' } },
      { name: 'odd', cluster: { server: 'ftp://odd.example' } },
    ],
    users: [{ name: 'ada', user: { token: SECRET } }],
    contexts: [
      { name: 'prod', context: { cluster: 'one', user: 'ada', namespace: 'team' } },
      { name: 'test', context: { cluster: 'one', user: 'ada' } },
      { name: 'no-user', context: { cluster: 'one', user: 'bob' } },
      { name: 'no-cluster', context: { cluster: 'two', user: 'ada' } },
      { name: 'odd', context: { cluster: 'odd', user: 'ada' } },
    ],
    'current-context': 'prod',
    ...more,
  });

describe('the way to a cluster', () => {
  it('is the kubeconfig’s current context, with its namespace', async () => {
    const kubeconfig = write(config());
    const access = await loadKubeAccess({ kubeconfig });
    expect(access).toMatchObject({ namespace: 'team', source: `context prod of ${kubeconfig}` });
    expect(access.server.href).toBe('https://one.example:6443/');
    expect((await access.authorize()).headers).toEqual({ Authorization: `Bearer ${SECRET}` });
    access.close();
  });

  it('is the context that is asked for, in the namespace that is asked for', async () => {
    const kubeconfig = write(config());
    expect((await loadKubeAccess({ kubeconfig, context: 'test' })).namespace).toBe('default');
    expect((await loadKubeAccess({ kubeconfig, namespace: 'mine' })).namespace).toBe('mine');
  });

  it('is put together from all files of KUBECONFIG', async () => {
    const first = write(JSON.stringify({ 'current-context': 'prod', clusters: [], users: [], contexts: [] }));
    const access = await loadKubeAccess({}, { KUBECONFIG: `${first}:${write(config())}` });
    expect(access.namespace).toBe('team');
  });

  it('knows certificates beside the kubeconfig, and reads a token anew each time', async () => {
    writeFileSync(join(folder, 'ca.crt'), 'the authority');
    const tokenFile = write('first');
    const kubeconfig = write(
      config({
        clusters: [{ name: 'one', cluster: { server: 'https://one.example', 'certificate-authority': 'ca.crt' } }],
        users: [{ name: 'ada', user: { tokenFile } }],
      }),
    );
    const access = await loadKubeAccess({ kubeconfig });
    const first = await access.authorize();
    expect(first.headers).toEqual({ Authorization: 'Bearer first' });
    expect(String((first.agent as Agent).options.ca)).toBe('the authority');
    writeFileSync(tokenFile, 'second\n');
    expect(await access.authorize()).toMatchObject({ agent: first.agent, headers: { Authorization: 'Bearer second' } });
    access.close();
  });

  it('leaves credential helpers to the official client', async () => {
    const status = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'helped' },
    };
    const script = `console.log(${JSON.stringify(JSON.stringify(status))})`;
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      interactiveMode: 'Never',
      command: process.execPath,
      args: ['-e', script],
    };
    const access = await loadKubeAccess({ kubeconfig: write(config({ users: [{ name: 'ada', user: { exec } }] })) });
    expect((await access.authorize()).headers).toEqual({ Authorization: 'Bearer helped' });
    access.close();
  });

  it.each<[string, () => Parameters<typeof loadKubeAccess>, string]>([
    ['there is nothing', () => [{}, { HOME: folder }], 'tried the option kubeconfig, KUBECONFIG, '],
    ['the file is missing', () => [{ kubeconfig: '/nowhere/config' }], 'the file does not exist'],
    ['the file is no YAML', () => [{ kubeconfig: write(`token: [${SECRET}`) }], 'it is not YAML'],
    ['the context is unknown', () => [{ kubeconfig: write(config()), context: 'x' }], 'its contexts are prod, test, '],
    ['there is no current context', () => [{ kubeconfig: write(config({ 'current-context': '' })) }], 'no current'],
    ['the user is missing', () => [{ kubeconfig: write(config()), context: 'no-user' }], 'a user that is not there'],
    ['the cluster is missing', () => [{ kubeconfig: write(config()), context: 'no-cluster' }], 'a cluster that is not'],
    ['the address is none', () => [{ kubeconfig: write(config()), context: 'odd' }], 'no address that begins with'],
  ])('is refused when %s, saying what was tried and no secret', async (_name, from, words) => {
    const refused = loadKubeAccess(...from());
    await expect(refused).rejects.toMatchObject({ code: 'KUBE_CONFIG_INVALID' });
    await expect(refused).rejects.toThrow(words);
    const error = (await refused.catch((caught: unknown) => caught)) as Error;
    expect(`${error.stack} ${String(error.cause)}`).not.toContain(SECRET);
  });
});
