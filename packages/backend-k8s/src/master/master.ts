/**
 * The master: assigns a tenant's calls to the workers of their jobs, and tells clients of them.
 *
 * All that it must not lose is in storage: the logs of jobs, which clients write, and their progress, which it writes. So it
 * may be killed at any moment; the next one reads what is there, and workers come back to it with what they hold.
 */
import { randomBytes } from 'node:crypto';
import {
  decodeStatusSegment,
  formatJobId,
  parseJobId,
  type BackendService,
  type Clock,
  type ClockTimer,
  type JobRef,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { isSecretOf, type AccessToken } from '../protocol/access-token.ts';
import { BackendKeys } from '../protocol/backend-keys.ts';
import * as client from '../protocol/client-messages.ts';
import { encodeMasterRecord, readClientRecord, readMasterRecord } from '../protocol/records.ts';
import { Refusal } from '../protocol/refusals.ts';
import { runtimeToTell } from '../protocol/wire-schemas.ts';
import * as worker from '../protocol/worker-messages.ts';
import { ClientFeed, type FedEvent } from './client-feed.ts';
import { JobStore, removeBelow } from './job-store.ts';
import { MasterJob } from './master-job.ts';
import { RequestServer, type Answer, type Route } from './request-server.ts';

export interface MasterSetup {
  readonly pool: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The address of the pod, at which others reach it. */
  readonly ip: string;
  readonly leaseMs: number;
  readonly maxDeaths: number;
  /** Without anything to do for so long it leaves. */
  readonly idleMs: number;
}

/** How often it looks whether it is still needed, and still the one. */
const LOOK_MS = 1_000;
const LOOKS_PER_RECORD = 5;
/** A name that was asked for and that nobody knows is not looked up again for so long. */
const UNKNOWN_MS = 1_000;
const MOST_UNKNOWN = 10_000;

export class Master implements BackendService {
  readonly finished: Promise<void>;
  readonly #setup: MasterSetup;
  readonly #deps: WorkerDeps;
  readonly #keys: BackendKeys;
  readonly #epoch = randomBytes(9).toString('base64url');
  readonly #server: RequestServer;
  readonly #jobs = new Map<string, Promise<MasterJob | undefined>>();
  readonly #loaded = new Map<string, MasterJob>();
  readonly #feeds = new Map<string, ClientFeed>();
  readonly #clients = new Map<string, string>();
  readonly #unknown = new Map<string, number>();
  /** How many events clients were told. */
  #events = 0;
  #finish: () => void = () => {};
  #look: ClockTimer | undefined;
  #looks = 0;
  #busyMs: number;
  #stopping: Promise<void> | undefined;

  constructor(setup: MasterSetup, deps: WorkerDeps) {
    this.#setup = setup;
    this.#deps = deps;
    this.#keys = new BackendKeys({ tenant: deps.tenant, pool: setup.pool });
    this.#busyMs = deps.clock.now();
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#server = new RequestServer({
      routes: this.#routes(),
      epoch: this.#epoch,
      logger: deps.logger,
      admit: (token) => this.#admit(token),
    });
  }

  async start(): Promise<void> {
    const { ip, port: wanted } = this.#setup;
    const { storage, workerId } = this.#deps;
    await this.#loadAll();
    const port = await this.#server.listen(ip, wanted);
    const record = { v: 1 as const, epoch: this.#epoch, pod: workerId, ip, port };
    await storage.put(this.#keys.master, encodeMasterRecord(record));
    this.#deps.logger.info('the master listens', { ip, port, jobs: this.#loaded.size });
    this.#lookLater();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get #clock(): Clock {
    return this.#deps.clock;
  }

  async #loadAll(): Promise<void> {
    const jobs = new Map<string, JobRef>();
    for await (const { key } of this.#deps.storage.list(this.#keys.jobs)) {
      const job = this.#keys.jobOf(key);
      if (job !== undefined) jobs.set(formatJobId(job), job);
    }
    await Promise.all([...jobs.values()].map((job) => this.#job(job)));
  }

  #job(ref: JobRef): Promise<MasterJob | undefined> {
    const id = formatJobId(ref);
    let loading = this.#jobs.get(id);
    if (loading !== undefined) return loading;
    if (this.#isUnknown(id)) return Promise.resolve(undefined);
    loading = this.#load(ref, id);
    this.#jobs.set(id, loading);
    return loading;
  }

  async #load(ref: JobRef, id: string): Promise<MasterJob | undefined> {
    const { storage, clock, logger } = this.#deps;
    const { leaseMs, maxDeaths } = this.#setup;
    try {
      const job = await MasterJob.load({
        ref,
        store: new JobStore(storage, this.#keys, ref),
        leases: { leaseMs, maxDeaths },
        clock,
        logger,
        tell: (event, body) => this.#tell(ref, id, event, body),
        removed: () => this.#sweep(),
      });
      if (job === undefined) {
        this.#jobs.delete(id);
        this.#noteUnknown(id);
      } else this.#loaded.set(id, job);
      return job;
    } catch (error) {
      this.#jobs.delete(id);
      throw error;
    }
  }

  #tell(ref: JobRef, id: string, event: client.ClientEvent, body?: Uint8Array): void {
    // A job's workers may be there sooner than its client's first hello, which brings what was kept.
    if (event[0] === 'status' && !this.#feeds.has(ref.executorId)) this.#newFeed(ref.executorId);
    for (const feed of this.#feeds.values()) if (feed.watches(ref, id)) feed.add(event, body);
  }

  async #admit(token: AccessToken): Promise<void> {
    if (token.role === 'worker') {
      const job = await this.#job(token.job);
      if (job?.isWorkerSecret(token.clientId, token.secret) === true) return;
      throw new Refusal('MASTER_TOKEN_REFUSED', `worker of ${formatJobId(token.job)}`);
    }
    const hash = this.#clients.get(token.clientId) ?? (await this.#clientHash(token.clientId));
    if (hash !== undefined && isSecretOf(hash, token.secret)) return;
    throw new Refusal('MASTER_TOKEN_REFUSED', `client ${token.clientId}`);
  }

  async #clientHash(clientId: string): Promise<string | undefined> {
    if (this.#isUnknown(clientId)) return undefined;
    const record = await readClientRecord(this.#deps.storage, this.#keys.client(clientId));
    if (record === undefined) this.#noteUnknown(clientId);
    else this.#clients.set(clientId, record.tokenHash);
    return record?.tokenHash;
  }

  #isUnknown(name: string): boolean {
    return (this.#unknown.get(name) ?? 0) > this.#clock.now();
  }

  #noteUnknown(name: string): void {
    if (this.#unknown.size >= MOST_UNKNOWN) this.#unknown.clear();
    this.#unknown.set(name, this.#clock.now() + UNKNOWN_MS);
  }

  #routes(): Readonly<Record<string, Route>> {
    const plain: Answer = { header: { v: 1 } };
    const done = (work: Promise<void> | void): Promise<Answer> => Promise.resolve(work).then(() => plain);
    return {
      '/v1/worker/join': route('worker', worker.joinRequest, async ({ token, header }) => {
        (await this.#jobOf(token)).join(header);
        return plain;
      }),
      '/v1/worker/poll': route('worker', worker.pollRequest, async ({ token, header, gone }) => {
        const job = await this.#jobOf(token);
        void gone.then(() => job.disconnected(header.worker, header.session));
        const deliveries = await this.#within(header.waitMs, gone, (until) => job.poll(header, until));
        const body = deliveries.flatMap((each) => (each.body === undefined ? [] : [each.body]));
        return { header: { v: 1, messages: deliveries.map(({ message }) => message) }, body };
      }),
      '/v1/worker/report': route('worker', worker.reportRequest, async ({ token, header, body }) => {
        const segments = segmentsOf(header.segments, body);
        (await this.#jobOf(token)).report(header, segments);
        return plain;
      }),
      '/v1/worker/leave': route('worker', worker.leaveRequest, async ({ token, header }) => {
        (await this.#jobOf(token)).leave(header.worker, header.session);
        this.#sweep();
        return plain;
      }),
      '/v1/client/hello': route('client', client.helloRequest, ({ token, header }) => this.#hello(token, header)),
      '/v1/client/poke': route('client', client.pokeRequest, ({ token, header }) => {
        const feed = this.#feedOf(token, header.epoch);
        for (const [job] of header.jobs) feed.watch(job);
        return done(this.#catchUp(feed.clientId, header.jobs).then(() => {}));
      }),
      '/v1/client/watch': route('client', client.watchRequest, async ({ token, header, gone }) => {
        const feed = this.#feedOf(token, header.epoch);
        const fed = await this.#within(header.waitMs, gone, (until) =>
          feed.after(header.received, until, this.#clock.now()),
        );
        return fedAnswer(fed, header.received);
      }),
      '/v1/client/death': route('client', client.deathRequest, async ({ token, header }) => {
        this.#feedOf(token, header.epoch);
        (await this.#job(refOf(header.job)))?.died(header.worker, header.reason);
        return plain;
      }),
      '/v1/client/forget': route('client', client.forgetRequest, ({ header }) => done(this.#forget(header.jobs))),
    };
  }

  async #jobOf(token: AccessToken): Promise<MasterJob> {
    const job = token.role === 'worker' ? await this.#job(token.job) : undefined;
    if (job === undefined) throw new Refusal('MASTER_TOKEN_REFUSED', 'the job is gone');
    return job;
  }

  #feedOf({ clientId }: AccessToken, epoch: string): ClientFeed {
    const feed = this.#feeds.get(clientId);
    if (feed?.isOpened === true && epoch === this.#epoch && !feed.isForgotten(this.#clock.now())) return feed;
    throw new Refusal('MASTER_SESSION_UNKNOWN', `client ${clientId}`);
  }

  async #hello({ clientId }: AccessToken, { jobs, heard }: client.HelloRequest): Promise<Answer> {
    const found = await this.#catchUp(clientId, jobs);
    // Nothing happens in between: what it has not heard, how the jobs are, and what its feed will hold follow each other.
    const feed = this.#feeds.get(clientId) ?? this.#newFeed(clientId);
    const received = heard?.epoch === this.#epoch ? heard.received : 0;
    const ids = jobs.map(([id]) => id);
    const { header, body } = fedAnswer(feed.open(ids, received, this.#clock.now()), received);
    const runtime = runtimeToTell(this.#deps.runtime);
    return { header: { ...header, epoch: this.#epoch, runtime, jobs: found.map((job) => job.state) }, body };
  }

  #newFeed(clientId: string): ClientFeed {
    const feed = new ClientFeed(clientId, this.#clock.now(), () => (this.#events += 1));
    this.#feeds.set(clientId, feed);
    return feed;
  }

  /** Reads what the client has written to the logs of these jobs; answers those that there are. */
  async #catchUp(clientId: string, jobs: client.HelloRequest['jobs']): Promise<readonly MasterJob[]> {
    this.#busyMs = this.#clock.now();
    const found = await Promise.all(
      jobs.map(async ([id, entries]) => {
        // It is known to be there now, whatever was known before.
        this.#unknown.delete(id);
        const job = await this.#job(refOf(id));
        await job?.catchUp(clientId, entries);
        return job === undefined ? [] : [job];
      }),
    );
    return found.flat();
  }

  async #forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const job = await this.#jobs.get(id);
      if (job === undefined) await removeBelow(this.#deps.storage, this.#keys.job(refOf(id)));
      else await job.forget();
    }
  }

  /** Lets `wait` go on until it has something, the time is over or nobody waits any more. */
  async #within<Value>(
    waitMs: number,
    gone: Promise<void>,
    wait: (until: Promise<void>) => Promise<Value>,
  ): Promise<Value> {
    let end: () => void = () => {};
    const until = new Promise<void>((resolve) => (end = resolve));
    const timer = this.#clock.setTimer(end, waitMs);
    void gone.then(end);
    try {
      return await wait(until);
    } finally {
      timer.cancel();
    }
  }

  #sweep(): void {
    for (const [id, job] of this.#loaded) {
      if (!job.isSpent) continue;
      this.#loaded.delete(id);
      this.#jobs.delete(id);
      void job.close();
    }
    const nowMs = this.#clock.now();
    for (const [clientId, feed] of this.#feeds) {
      if (!feed.isForgotten(nowMs)) continue;
      this.#feeds.delete(clientId);
      this.#clients.delete(clientId);
    }
  }

  #lookLater(): void {
    if (this.#stopping !== undefined) return;
    this.#look = this.#clock.setTimer(() => void this.#lookAround().finally(() => this.#lookLater()), LOOK_MS, {
      keepAlive: true,
    });
  }

  /** Never rejects. */
  async #lookAround(): Promise<void> {
    this.#sweep();
    const nowMs = this.#clock.now();
    if ([...this.#loaded.values()].some(({ hasWork }) => hasWork)) this.#busyMs = nowMs;
    this.#looks += 1;
    try {
      if (this.#looks % LOOKS_PER_RECORD === 0 && (await this.#isReplaced())) {
        this.#deps.logger.warn('another master has taken over');
        void this.stop();
      } else if (nowMs - this.#busyMs >= this.#setup.idleMs) await this.#leaveIfIdle();
    } catch (error) {
      this.#deps.logger.warn('storage cannot be read', { error });
    }
  }

  async #isReplaced(): Promise<boolean> {
    const record = await readMasterRecord(this.#deps.storage, this.#keys.master);
    return record !== undefined && record.epoch !== this.#epoch;
  }

  /** Nobody finds it any more, and then it looks once more: what was written before that is not left alone. */
  async #leaveIfIdle(): Promise<void> {
    const { storage, logger, workerId } = this.#deps;
    const record = await readMasterRecord(storage, this.#keys.master);
    await storage.delete(this.#keys.master);
    await this.#loadAll();
    const isBusy = [...this.#loaded.values()].some(({ hasWork }) => hasWork);
    if (!isBusy && this.#clock.now() - this.#busyMs >= this.#setup.idleMs) {
      logger.info('nothing to do: the master leaves', { workerId });
      void this.stop();
    } else if (record !== undefined) await storage.put(this.#keys.master, encodeMasterRecord(record));
  }

  async #stop(): Promise<void> {
    this.#look?.cancel();
    const { storage, logger } = this.#deps;
    try {
      if (!(await this.#isReplaced())) await storage.delete(this.#keys.master);
    } catch (error) {
      logger.warn('the record of the master could not be removed', { error });
    }
    await this.#server.close();
    await Promise.all([...this.#loaded.values()].map((job) => job.close()));
    await storage.close();
    this.#finish();
  }
}

/** A route, with its header typed by its schema. */
const route = <Header>(
  role: Route['role'],
  schema: Route<Header>['schema'],
  handle: Route<Header>['handle'],
): Route => ({ role, schema, handle: (asked) => handle(asked as Parameters<typeof handle>[0]) });

function fedAnswer(fed: readonly FedEvent[], received: number) {
  const events = fed.map(({ event }) => event);
  const header = { v: 1 as const, last: fed.at(-1)?.number ?? received, events };
  return { header, body: fed.flatMap(({ body }) => (body === undefined ? [] : [body])) };
}

/** Cuts the body into segments, each of which must be one: nothing damaged goes on to clients. */
function segmentsOf(lengths: readonly number[], body: Uint8Array): readonly Uint8Array[] {
  let offset = 0;
  const segments = lengths.map((length) => body.subarray(offset, (offset += length)));
  if (offset !== body.length) throw new Refusal('MASTER_REQUEST_INVALID', 'segments');
  try {
    for (const segment of segments) decodeStatusSegment(segment);
  } catch {
    throw new Refusal('MASTER_REQUEST_INVALID', 'segments');
  }
  return segments;
}

const refOf = (id: string): JobRef => parseJobId(id) as JobRef;
