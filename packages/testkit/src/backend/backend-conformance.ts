/** The `Backend` contract in executable form, for every implementation. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { BackendCapabilities, BackendHarness, Outage } from './backend-harness.ts';
import { describeCalls } from './call-cases.ts';
import { describeCancellation } from './cancellation-cases.ts';
import { describeLifecycle } from './lifecycle-cases.ts';
import { describeLosses } from './loss-cases.ts';
import { describeOutage } from './outage-cases.ts';
import { describeSharing } from './sharing-cases.ts';
import { ExecutorFixture } from './executor-fixture.ts';

export interface BackendConformanceOptions {
  /** Names the suite: `localhost backend`. */
  readonly name: string;
  /** Prepares everything once for the whole suite. Executor ids are random, so a shared service will do. */
  readonly setup: () => Promise<BackendHarness>;
  readonly capabilities: BackendCapabilities;
  /** How long nothing may happen while the suite waits before a case fails, in milliseconds; a case takes four times that at most. @defaultValue 20_000 */
  readonly deadlineMs?: number;
}

/** What the groups of cases need. */
export interface BackendSuite {
  readonly capabilities: BackendCapabilities;
  /** A started executor for one test, closed and checked for leftovers after it. */
  withExecutor(body: (executor: ExecutorFixture) => Promise<void>): () => Promise<void>;
  /** The same with two executors of one tenant. */
  withTwoExecutors(body: (one: ExecutorFixture, other: ExecutorFixture) => Promise<void>): () => Promise<void>;
  /** An executor whose backend is not started, closed after the test. */
  withIdleExecutor(body: (executor: ExecutorFixture) => Promise<void>): () => Promise<void>;
  /** One started executor that all tests of the surrounding `describe` share: its workers stay warm. */
  shareExecutor(): () => ExecutorFixture;
  killWorker(workerId: string): Promise<void>;
  outage(): Promise<Outage>;
}

/**
 * Describes the tests that every backend must pass; call it in a vitest file.
 *
 * @example
 * ```ts
 * describeBackendConformance({
 *   name: 'my backend',
 *   setup: async () => ({
 *     backend: { plugin, module: import.meta.resolve('./plugin.js'), options: {} },
 *     storage: { plugin: storage, module: '@splitrock/storage-local', options: { directory } },
 *     monitoring: { plugin: monitoring, module: '@splitrock/monitoring-storage', options: {} },
 *     close: async () => rm(directory, { recursive: true }),
 *   }),
 *   capabilities: { killWorker: false, slotProcesses: true, leftovers: false },
 * });
 * ```
 */
export function describeBackendConformance(options: BackendConformanceOptions): void {
  const { name, setup, capabilities, deadlineMs = 20_000 } = options;
  let harness: BackendHarness | undefined;
  const getHarness = (): BackendHarness => {
    if (harness === undefined) throw new Error('The harness is not set up.');
    return harness;
  };
  // Each case waits several times at most; its own deadline must not cut off the better message of a wait.
  describe(`${name} keeps the backend contract`, { timeout: deadlineMs * 4 }, () => {
    beforeAll(async () => {
      harness = await setup();
    }, deadlineMs * 4);
    afterAll(async () => harness?.close(), deadlineMs * 4);
    const suite = makeSuite(capabilities, getHarness, deadlineMs);
    describeCalls(suite);
    describeSharing(suite);
    describeCancellation(suite);
    describeLosses(suite);
    describeOutage(suite);
    describeLifecycle(suite);
  });
}

function makeSuite(capabilities: BackendCapabilities, harness: () => BackendHarness, deadlineMs: number): BackendSuite {
  const start = (): Promise<ExecutorFixture> => ExecutorFixture.start(harness(), deadlineMs);
  return {
    capabilities,
    withExecutor: (body) => () => run([start], ([executor]) => body(executor as ExecutorFixture)),
    withTwoExecutors: (body) => () =>
      run([start, start], ([one, other]) => body(one as ExecutorFixture, other as ExecutorFixture)),
    withIdleExecutor: (body) => () =>
      run([() => ExecutorFixture.create(harness(), deadlineMs)], ([executor]) => body(executor as ExecutorFixture)),
    shareExecutor() {
      let shared: ExecutorFixture | undefined;
      beforeAll(async () => {
        shared = await start();
      }, deadlineMs);
      afterAll(async () => shared?.close(), deadlineMs * 2);
      return () => shared as ExecutorFixture;
    },
    async killWorker(workerId) {
      await harness().killWorker?.(workerId);
    },
    async outage() {
      const begun = await harness().outage?.();
      if (begun === undefined) throw new Error('The capability `outage` is declared, and the harness has none.');
      return begun;
    },
  };
}

/** Runs a test body with executors of its own; what failed in it is worth more than what is left behind by that. */
async function run(
  makers: readonly (() => Promise<ExecutorFixture>)[],
  body: (executors: readonly ExecutorFixture[]) => Promise<void>,
): Promise<void> {
  const executors = await Promise.all(makers.map((make) => make()));
  const close = (): Promise<unknown> => Promise.all(executors.map((executor) => executor.close()));
  try {
    await body(executors);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  await close();
}
