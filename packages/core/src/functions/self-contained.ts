/**
 * Packs a function that uses nothing but its arguments and globals, so that its own text is all there is to ship: what
 * conformance suites, workers' tests and generators of load need, without the client half and its bundler.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { encodeValue } from '../codec/codec.ts';
import type { GraphExtension } from '../codec/graph-extension.ts';
import type { EnvironmentRoot } from './load-function.ts';

/** What a job needs of a function: see `JobDescriptor.function` and the storage keys. */
export interface PackedFunction {
  /** Hex sha-256 of {@link artifact}: its name in the job descriptor and its key in storage. */
  readonly sha256: string;
  /** Gzipped ES module. */
  readonly artifact: Uint8Array;
  /** The job's captured values: here only the function itself. */
  readonly environment: Uint8Array;
}

/**
 * @param source The text of a function expression: `(item, context) => item * 2`, or what `String(fn)` gives.
 * Nothing of it is checked; what it lacks is missed on the worker.
 * @experimental
 */
export function packSelfContainedFunction(source: string): PackedFunction {
  const code = `export const v = 1;\nexport const sites = { fn: () => [(${source})] };\nexport const exports = {};\n`;
  const artifact = gzipSync(code);
  const standIn = (): void => undefined;
  const root: EnvironmentRoot = { fn: standIn, shareable: true, classes: [] };
  const extension: GraphExtension = {
    claims: () => false,
    describe: (value) => (value === standIn ? { tag: 'fn', data: { s: 'fn' } } : undefined),
    create: () => undefined,
  };
  return {
    artifact,
    sha256: createHash('sha256').update(artifact).digest('hex'),
    environment: encodeValue(root, { extension }),
  };
}
