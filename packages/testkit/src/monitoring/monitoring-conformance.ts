/** The `Monitoring` contract in executable form, for every implementation. */
import { describe } from 'vitest';
import type { MonitoringUnderTest } from './monitoring-fixture.ts';
import { MonitoringFixture } from './monitoring-fixture.ts';
import { describeIsolation } from './isolation-cases.ts';
import { describeOtherProcesses } from './process-cases.ts';
import { describePublishing } from './publishing-cases.ts';
import { describeRefreshAndClose } from './closing-cases.ts';
import { describeSubscribing } from './subscribing-cases.ts';

export interface MonitoringConformanceOptions {
  /** Names the suite: `storage monitoring over local storage`. */
  readonly name: string;
  /** Makes the monitoring for one test. Tests use random executor ids, so a shared server will do. */
  readonly create: () => Promise<MonitoringUnderTest>;
  /** False for a monitoring that cannot leave its process: the cases with other processes are skipped. @defaultValue true */
  readonly otherProcesses?: boolean;
  /**
   * How long the suite waits for events before a case fails, in milliseconds; cases that wait several times may take
   * four times as long. @defaultValue 30_000
   */
  readonly deadlineMs?: number;
}

/** Runs one test body in a fixture of its own, and checks afterwards that nothing leaked. */
export type WithFixture = (body: (fixture: MonitoringFixture) => Promise<void>) => () => Promise<void>;

/**
 * Describes the tests that every monitoring must pass; call it in a vitest file.
 *
 * @example
 * ```ts
 * describeMonitoringConformance({
 *   name: 'my monitoring',
 *   create: async () => ({ plugin, options: {}, storage: await openStorage(), close: async () => {} }),
 *   otherProcesses: false,
 * });
 * ```
 */
export function describeMonitoringConformance(options: MonitoringConformanceOptions): void {
  const { deadlineMs = 30_000 } = options;
  const withFixture: WithFixture = (body) => async () => {
    const fixture = new MonitoringFixture(await options.create(), deadlineMs);
    try {
      await body(fixture);
    } catch (error) {
      // What failed is worth more than what is left behind by it.
      await fixture.finish().catch(() => undefined);
      throw error;
    }
    await fixture.finish();
  };
  describe(`${options.name} keeps the monitoring contract`, { timeout: deadlineMs * 4 }, () => {
    describePublishing(withFixture);
    describeSubscribing(withFixture);
    describeIsolation(withFixture);
    describeRefreshAndClose(withFixture);
    describe.skipIf(options.otherProcesses === false)('between processes', () => {
      describeOtherProcesses(withFixture);
    });
  });
}
