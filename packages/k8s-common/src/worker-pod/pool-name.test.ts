import { describe, expect, it } from 'vitest';
import { someOptions } from '../../test/kube-samples.ts';
import { poolNameOf, workerOptions } from './pool-name.ts';

describe('the name of a pool', () => {
  const withPassword = (password: string) => ({ storage: { module: 'm', name: 's', options: { password } } });
  const plugins = withPassword('very-secret');
  const name = (given: object, more = plugins): string => poolNameOf(someOptions(given), more);

  it.each([
    [{ maxWorkers: 5 }],
    [{ kubeconfig: '/somewhere/else', context: 'x', namespace: 'y' }],
    [{ startTimeoutSeconds: 9, imagePullPolicy: 'Always' }],
  ])('is the same for %j, which says nothing of what workers are', (given) => {
    expect(name(given)).toBe(name({}));
  });

  it.each([[{ image: 'other:1' }], [{ sizing: { kind: 'fixed', cpu: '2' } }], [{ env: { A: '1' } }]])(
    'differs for %j',
    (given) => {
      expect(name(given)).not.toBe(name({}));
    },
  );

  it('differs for other plugins, and gives no credentials away', () => {
    expect(name({}, withPassword('other'))).not.toBe(name({}));
    expect(name({})).toMatch(/^p[0-9a-f]{10}$/);
  });

  it('leaves out of what workers are told what only clients need', () => {
    expect(workerOptions(someOptions({ kubeconfig: '/home/ada/.kube/config' }))).not.toHaveProperty('kubeconfig');
  });
});
