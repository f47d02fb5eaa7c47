import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { someOptions } from '../../test/kube-samples.ts';
import { kedaManifest, type KedaManifestOptions } from './keda-manifest.ts';
import { rbacManifest } from './rbac-manifest.ts';

const documents = (text: string): readonly Record<string, unknown>[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);

describe('the manifest of permissions', () => {
  it.each([
    ['rbac.yaml', { perNode: false }],
    ['rbac-per-node.yaml', { perNode: true }],
    ['rbac-jobs.yaml', { perNode: false, jobs: true }],
  ])('is checked in as %s', async (file, needs) => {
    await expect(rbacManifest({ namespace: 'splitrock', ...needs })).toMatchFileSnapshot(`../../manifests/${file}`);
  });

  it('asks for nothing outside the namespace unless workers are sized to nodes', () => {
    const kinds = (perNode: boolean): readonly unknown[] =>
      documents(rbacManifest({ namespace: 'work', perNode })).map(({ kind }) => kind);
    expect(kinds(false)).toEqual(['ServiceAccount', 'Role', 'RoleBinding']);
    expect(kinds(true)).toEqual(['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']);
  });

  it('lets nobody read secrets, nor run commands in pods', () => {
    const text = rbacManifest({ namespace: 'work', perNode: true, jobs: true });
    const rules = documents(text).flatMap(({ rules }) => (rules ?? []) as { resources: string[]; verbs: string[] }[]);
    expect(rules.find(({ resources }) => resources.includes('secrets'))?.verbs).toEqual(['create', 'delete']);
    expect(rules.flatMap(({ resources, verbs }) => [...resources, ...verbs])).not.toContain('*');
    expect(text).not.toContain('exec');
  });
});

describe('the manifest for KEDA', () => {
  const given = (options: object = {}): KedaManifestOptions => ({
    identity: { tenant: 'team', namespace: 'work', pool: 'alike' },
    options: someOptions({ slots: { workerProcesses: 4 }, maxWorkers: 7, ...options }),
    bootstrapSecret: 'the-bootstrap',
    queuePattern: '^splitrock\\.team\\.alike\\.job\\.',
    managementUrl: { secret: 'rabbitmq-management', key: 'url' },
  });

  it('makes the same pods as clients do, as many as messages need', () => {
    const [authentication, job] = documents(kedaManifest(given()));
    expect(authentication).toMatchObject({
      kind: 'TriggerAuthentication',
      spec: { secretTargetRef: [{ parameter: 'host', name: 'rabbitmq-management', key: 'url' }] },
    });
    expect(job).toMatchObject({
      kind: 'ScaledJob',
      metadata: { namespace: 'work' },
      spec: {
        maxReplicaCount: 7,
        jobTargetRef: {
          template: {
            metadata: { labels: { 'splitrock.dev/pool': 'alike' }, annotations: { 'splitrock.dev/slots': '4' } },
            spec: { restartPolicy: 'Never', volumes: [{ secret: { secretName: 'the-bootstrap' } }, { name: 'tmp' }] },
          },
        },
        triggers: [{ metadata: { queueName: '^splitrock\\.team\\.alike\\.job\\.', useRegex: 'true', value: '4' } }],
      },
    });
  });

  it('is refused for workers that differ', () => {
    expect(() => kedaManifest(given({ sizing: { kind: 'per-node' }, slots: {} }))).toThrow('sizing.kind: fixed');
  });
});
