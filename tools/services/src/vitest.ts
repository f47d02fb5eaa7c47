/**
 * Servers for test files. One server serves a whole run; every test file takes a namespace of its own in it (a key
 * prefix, a bucket, a virtual host).
 *
 * @example
 * ```ts
 * const redis = await testService('redis');
 * describe.skipIf(!redis.available)('Redis storage', () => {
 *   const url = redis.variable('SPLITROCK_TEST_REDIS_URL');
 * ```
 */
import { leaseService, whyUnavailable } from './client.ts';
import type { ServiceName } from './definition.ts';

export interface TestService {
  /** False only where tests may be skipped; see {@link testService}. */
  readonly available: boolean;
  /** One of the service's addresses; empty when it is not available. */
  variable(name: string): string;
}

/**
 * Leases a service until this process ends. Where it cannot be had, says so and lets tests be skipped, but throws in CI
 * (`CI` is set): there nothing is skipped.
 */
export async function testService(name: ServiceName): Promise<TestService> {
  const reason = whyUnavailable(name);
  if (reason !== undefined) {
    if (process.env['CI']) throw new Error(`tests need ${name}: ${reason}`);
    console.warn(`SKIPPED, no ${name}: ${reason}`);
    return { available: false, variable: () => '' };
  }
  const { environment } = await leaseService(name);
  return { available: true, variable: (variable) => environment[variable] ?? '' };
}
