/**
 * What the backend keeps in storage, below `backends/k8s/<tenant>/<pool>/`:
 *
 *     master                                  where the master is; written by it
 *     clients/<clientId>                      hash of a client's token
 *     jobs/<jobId>/log/<clientId>-<number>    what a client submitted, cancelled, ended; from number 0
 *     jobs/<jobId>/progress                   what of it is done; written by the master
 *
 * Nothing in it is secret. Whoever can write here could run jobs anyway.
 */
import { formatJobId, parseJobId, type JobRef } from '@splitrock/core/plugin';
import { encodeKubeName } from '@splitrock/k8s-common';

const LOG_NAME = /^([a-z0-9]{12})-([0-9]{6,})$/;

export class BackendKeys {
  readonly prefix: string;

  constructor({ tenant, pool }: { readonly tenant: string; readonly pool: string }) {
    this.prefix = `backends/k8s/${encodeKubeName(tenant)}/${encodeKubeName(pool)}/`;
  }

  get master(): string {
    return `${this.prefix}master`;
  }

  get jobs(): string {
    return `${this.prefix}jobs/`;
  }

  client(clientId: string): string {
    return `${this.prefix}clients/${clientId}`;
  }

  job(job: JobRef): string {
    return `${this.jobs}${formatJobId(job)}/`;
  }

  progress(job: JobRef): string {
    return `${this.job(job)}progress`;
  }

  log(job: JobRef): string {
    return `${this.job(job)}log/`;
  }

  logEntry(job: JobRef, clientId: string, number: number): string {
    return `${this.log(job)}${clientId}-${String(number).padStart(6, '0')}`;
  }

  /** Whose job a key below {@link jobs} belongs to. */
  jobOf(key: string): JobRef | undefined {
    return key.startsWith(this.jobs) ? parseJobId(key.slice(this.jobs.length).split('/', 1)[0] ?? '') : undefined;
  }

  /** What a key below {@link log} names. */
  parseLogEntry(job: JobRef, key: string): { readonly clientId: string; readonly number: number } | undefined {
    const match = LOG_NAME.exec(key.slice(this.log(job).length));
    return match === null ? undefined : { clientId: match[1] as string, number: Number(match[2]) };
  }
}
