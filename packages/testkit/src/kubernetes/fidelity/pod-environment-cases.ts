import type { V1EnvVar } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { FidelityFixture } from './fidelity-fixture.ts';

/** What a container is given: variables, arguments, files. */
export function describePodEnvironment(fixture: () => FidelityFixture): void {
  const field = (name: string, fieldPath: string): V1EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });

  async function outputOf(script: string, more: Parameters<FidelityFixture['pod']>[2], spec = {}): Promise<string> {
    const name = fixture().name('env');
    const pod = fixture().pod(name, script, more, spec);
    pod.metadata = { name, labels: { role: 'test' } };
    await fixture().runPod(pod, 'Succeeded');
    return fixture().logOf(name);
  }

  describe('a container', () => {
    it('knows its pod by the downward API', async () => {
      const env = [
        field('NAME', 'metadata.name'),
        field('NAMESPACE', 'metadata.namespace'),
        field('ROLE', "metadata.labels['role']"),
        field('NODE', 'spec.nodeName'),
        { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } },
      ];
      const resources = { requests: { memory: '16Mi' }, limits: { cpu: '100m', memory: '32Mi' } };
      const output = await outputOf('echo $NAME $NAMESPACE $ROLE $CPUS $MEMORY $HOSTNAME; echo $NODE', {
        env,
        resources,
      });
      const [line = '', node] = output.split('\n');
      const [name, ...rest] = line.split(' ');
      expect(rest).toEqual([fixture().namespace, 'test', '1', '16', name]);
      expect((await fixture().readPod(name ?? '')).spec?.nodeName).toBe(node);
    });

    it('gets values of secrets and config maps, and references between variables filled in', async () => {
      const { core, namespace } = fixture();
      await core.createNamespacedSecret({
        namespace,
        body: { metadata: { name: 'env' }, stringData: { password: 'p w' } },
      });
      await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'env' }, data: { COLOUR: 'red' } } });
      const env = [
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'env', key: 'password' } } },
        { name: 'MAYBE', valueFrom: { secretKeyRef: { name: 'none', key: 'x', optional: true } } },
        { name: 'BOTH', value: '$(COLOUR)-$(PASSWORD)-$(UNKNOWN)-$$(COLOUR)' },
      ];
      const envFrom = [{ configMapRef: { name: 'env' } }];
      const output = await outputOf('echo "$PASSWORD|${MAYBE-unset}|$BOTH|$0"', { env, envFrom, args: ['$(COLOUR)!'] });
      expect(output).toBe('p w|unset|red-p w-$(UNKNOWN)-$(COLOUR)|red!\n');
    });

    it('finds secrets, config maps and empty folders as files', async () => {
      const { core, namespace } = fixture();
      const stringData = { 'a.json': '{"a":1}', other: 'x' };
      await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'files' }, stringData } });
      await core.createNamespacedConfigMap({
        namespace,
        body: { metadata: { name: 'files' }, data: { text: 'line\n' } },
      });
      const volumes = [
        { name: 'secret', secret: { secretName: 'files', items: [{ key: 'a.json', path: 'deep/b.json' }] } },
        { name: 'config', configMap: { name: 'files' } },
        { name: 'empty', emptyDir: {} },
      ];
      const volumeMounts = [
        { name: 'secret', mountPath: '/etc/secret', readOnly: true },
        { name: 'config', mountPath: '/etc/config' },
        { name: 'empty', mountPath: '/scratch' },
      ];
      const env = [{ name: 'SECRET', value: '/etc/secret/deep/b.json' }];
      const show =
        'read -r line < "$SECRET" || :; echo "$line"; read -r line < "$0/text"; echo "$line"; echo new > "$1/file" && echo written';
      const output = await outputOf(show, { env, volumeMounts, args: ['/etc/config', '/scratch'] }, { volumes });
      expect(output).toBe('{"a":1}\nline\nwritten\n');
    });

    it('begins when its init containers have ended, and shares their files', async () => {
      const volumes = [{ name: 'shared', emptyDir: {} }];
      const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
      const init = fixture().container('echo made > "$0/file"', { name: 'init', args: ['/shared'], volumeMounts });
      const main = { args: ['/shared'], volumeMounts };
      const output = await outputOf('read -r line < "$0/file"; echo "$line"', main, {
        initContainers: [init],
        volumes,
      });
      expect(output).toBe('made\n');
    });
  });
}
