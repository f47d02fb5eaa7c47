/** Where the services of this clone live on this machine. */
import { createHash } from 'node:crypto';
import { rm, rmdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from './definition.ts';

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/**
 * Clones do not share servers: what one stops, the other may be using. Nor do scopes (`SERVICES_SCOPE`), by which this
 * tool's own tests keep out of the way of others.
 */
const clone = (): string =>
  createHash('sha256')
    .update([userInfo().username, ROOT, process.env['SERVICES_SCOPE'] ?? ''].join('\n'))
    .digest('hex')
    .slice(0, 10);

export const serviceFolder = (name: ServiceName): string => join(tmpdir(), `splitrock-services-${clone()}`, name);

/** Linux's abstract Unix sockets: bound by one process at most, and gone with it whatever ended it. */
export const socketAddress = (name: ServiceName): string => `\0splitrock-services-${clone()}-${name}`;

/** What a service's keeper says, beside the service's folder. */
export const keeperLog = (name: ServiceName): string => `${serviceFolder(name)}-keeper.log`;

/** Removes a service's data and log, and the folder of all when it was the last. */
export async function forget(name: ServiceName): Promise<void> {
  await rm(serviceFolder(name), { recursive: true, force: true });
  await rm(keeperLog(name), { force: true });
  await rmdir(dirname(serviceFolder(name))).catch(() => undefined);
}
