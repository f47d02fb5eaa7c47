/** What a Kubernetes does, in executable form: passed by the simulated one and by real ones alike. */
import { afterAll, beforeAll, describe } from 'vitest';
import { FidelityFixture } from './fidelity-fixture.ts';
import type { KubernetesTarget, ReachedKubernetes } from './fidelity-target.ts';
import { describeJobs } from './job-cases.ts';
import { describeObjects } from './object-cases.ts';
import { describePodEnvironment } from './pod-environment-cases.ts';
import { describePods } from './pod-cases.ts';
import { describePodTrouble } from './pod-trouble-cases.ts';
import { describeQuotas } from './quota-cases.ts';
import { describeValidation } from './validation-cases.ts';
import { describeWatches } from './watch-cases.ts';

/** Describes the tests; call it in a vitest file. Needs `@kubernetes/client-node`. */
export function describeKubernetesFidelity({ name, setup, capabilities, deadlineMs = 60_000 }: KubernetesTarget): void {
  // Each case waits several times at most; its own deadline must not cut off the better message of a wait.
  describe(`${name} behaves as Kubernetes`, { timeout: deadlineMs * 4 }, () => {
    let reached: ReachedKubernetes | undefined;
    let fixture: FidelityFixture | undefined;
    const getFixture = (): FidelityFixture => {
      if (fixture === undefined) throw new Error('The cluster is not reached.');
      return fixture;
    };

    beforeAll(async () => {
      reached = await setup();
      fixture = new FidelityFixture(reached, deadlineMs);
      await fixture.createNamespace();
    }, deadlineMs * 4);

    afterAll(async () => {
      await fixture?.deleteNamespace();
      await reached?.close();
    }, deadlineMs * 4);

    describeObjects(getFixture);
    describeValidation(getFixture);
    describeWatches(getFixture, capabilities);
    describePods(getFixture);
    describePodEnvironment(getFixture);
    describePodTrouble(getFixture, capabilities);
    describeQuotas(getFixture);
    describeJobs(getFixture, capabilities);
  });
}
