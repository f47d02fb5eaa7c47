/** A master of its own in this process, with nothing of Kubernetes about it: two jobs of one client in its storage. */
import { formatJobId, silentLogger, systemClock, type JobRef, type Logger, type Storage } from '@splitrock/core/plugin';
import { MemoryStorage, memoryStorageOptionsSchema } from '@splitrock/storage-memory';
import { MasterCaller, type MasterQuestion, type MasterReply } from '../src/access/master-caller.ts';
import { DirectWay } from '../src/access/master-way.ts';
import { Master } from '../src/master/master.ts';
import { clientToken, hashSecret, newSecret, workerToken } from '../src/protocol/access-token.ts';
import { BackendKeys } from '../src/protocol/backend-keys.ts';
import { encodeLogEntry } from '../src/protocol/job-log.ts';
import { encodeClientRecord, readMasterRecord, type MasterRecord } from '../src/protocol/records.ts';

export const CLIENT = 'abcdefghijkl';
const TENANT = 'team';
const CALLS = { from: 0, to: 10 };
const PATIENCE_MS = 10_000;

export class LoneMaster {
  readonly storage: Storage;
  readonly record: MasterRecord;
  readonly jobs: readonly [JobRef, JobRef];
  /** Of the client, and of the workers of each job. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly #keys: BackendKeys;
  readonly #master: Master;
  readonly #way = new DirectWay();

  private constructor(
    parts: Pick<LoneMaster, 'storage' | 'record' | 'jobs' | 'secrets'>,
    keys: BackendKeys,
    of: Master,
  ) {
    ({ storage: this.storage, record: this.record, jobs: this.jobs, secrets: this.secrets } = parts);
    this.#keys = keys;
    this.#master = of;
  }

  /** Each job has ten calls that wait. */
  static async start(logger: Logger = silentLogger): Promise<LoneMaster> {
    const keys = new BackendKeys({ tenant: TENANT, pool: 'shared' });
    const storage = new MemoryStorage(memoryStorageOptionsSchema.parse({}), {
      logger: silentLogger,
      clock: systemClock,
    });
    const jobs = [
      { executorId: CLIENT, jobNumber: 1 },
      { executorId: CLIENT, jobNumber: 2 },
    ] as const;
    const secrets = new Map([CLIENT, ...jobs.map(formatJobId)].map((owner) => [owner, newSecret()]));
    for (const job of jobs) {
      const workerTokenHash = hashSecret(secrets.get(formatJobId(job)) ?? '');
      const submit = { calls: CALLS, attempt: 1, part: { firstCall: 0, calls: CALLS.to } };
      await storage.put(keys.logEntry(job, CLIENT, 0), encodeLogEntry({ atMs: 1, workerTokenHash, submit }));
    }
    await storage.put(
      keys.client(CLIENT),
      encodeClientRecord({ v: 1, tokenHash: hashSecret(secrets.get(CLIENT) ?? '') }),
    );
    const setup = { pool: 'shared', port: 0, ip: '127.0.0.1', leaseMs: 10_000, maxDeaths: 4, idleMs: 60_000 };
    const master = new Master(setup, { workerId: 'master-0', tenant: TENANT, storage, logger, clock: systemClock });
    await master.start();
    const record = (await readMasterRecord(storage, keys.master)) as MasterRecord;
    return new LoneMaster({ storage, record, jobs, secrets }, keys, master);
  }

  workerToken(job: JobRef, secret = this.secrets.get(formatJobId(job)) ?? ''): string {
    return workerToken(formatJobId(job), CLIENT, secret);
  }

  clientToken(clientId = CLIENT, secret = this.secrets.get(CLIENT) ?? ''): string {
    return clientToken(clientId, secret);
  }

  /** Asks as clients and workers do. @throws MasterRefusedError */
  ask<Header>(token: string, question: Omit<MasterQuestion<Header>, 'timeoutMs'>): Promise<MasterReply<Header>> {
    const caller = new MasterCaller({
      storage: this.storage,
      key: this.#keys.master,
      token,
      way: this.#way,
      clock: systemClock,
    });
    return caller.ask({ ...question, timeoutMs: PATIENCE_MS });
  }

  async stop(): Promise<void> {
    this.#way.close();
    await this.#master.stop();
  }
}
