/** Whether workers elsewhere have what the client was made for, told before it shows as a strange failure. */
import { readFileSync } from 'node:fs';
import type { BackendDiagnosis, RuntimeInfo } from './backend.ts';
import { isVersionFit } from './version-fit.ts';

/** What a client compares a runtime with. */
export interface ClientVersions {
  /** Node's version without the `v`. */
  readonly nodeVersion: string;
  readonly splitrockVersion: string;
}

/** Says what of a worker's runtime does not fit the client, and what to do; `undefined` when all does. */
export function runtimeMismatch(
  runtime: RuntimeInfo,
  client: ClientVersions = ownVersions(),
): BackendDiagnosis | undefined {
  const problems = [
    ...splitrockProblem(client.splitrockVersion, runtime.splitrockVersion),
    ...nodeProblem(client.nodeVersion, runtime.nodeVersion),
  ];
  if (problems.length === 0) return undefined;
  return {
    severity: 'warning',
    code: 'RUNTIME_MISMATCH',
    message: `${problems.join('; ')}. Build the image anew with this client’s Splitrock and Node (\`splitrock runtime build\`), or run the client with the image’s.`,
    details: { client, runtime },
  };
}

function splitrockProblem(client: string, worker: string | undefined): string[] {
  if (worker === undefined || isVersionFit(client, worker)) return [];
  return [`Workers run Splitrock ${worker} and this client ${client}: they may not read each other’s messages`];
}

/** Values that only some versions of Node know, and syntax that only some understand, travel with functions. */
function nodeProblem(client: string, worker: string): string[] {
  if (major(client) === major(worker)) return [];
  return [`Workers run Node ${worker} and this client ${client}: functions and values may not be read alike`];
}

const major = (version: string): string | undefined => version.split('.')[0];

function ownVersions(): ClientVersions {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version: splitrockVersion } = JSON.parse(manifest) as { version: string };
  return { nodeVersion: process.versions.node, splitrockVersion };
}
