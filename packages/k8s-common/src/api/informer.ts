/**
 * Keeps a copy of the objects of a selection up to date: lists them once, then watches from there.
 *
 * - A watch that ends or breaks goes on from the last version seen (bookmarks bring it forward on quiet days).
 * - A version that the server has forgotten (410) leads to a new list; what changed meanwhile is told as changes.
 * - A server that is away or refuses is told once, asked again with growing pauses, and told when it is back.
 */
import { pause, type Clock } from '@splitrock/core/plugin';
import { KubeApiError } from './kube-error.ts';
import type { KubeChange, KubeClient, KubeResource, Selection } from './kube-client.ts';
import type { KubeObject, KubeStatus } from './kube-objects.ts';

/** A watch is renewed after so long: it notices a server that is silently gone, and tells what is there. */
const WATCH_SECONDS = 30;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** A watch that ends sooner than this did not work, even if it ended in an orderly way. */
const SHORT_WATCH_MS = 1_000;

export interface InformerListener<T> {
  /** The copy changed, or was confirmed. */
  changed(): void;
  /** An object is there no longer; its last state that is known. */
  removed(object: T): void;
  /** The copy grows old. Told once. */
  trouble(error: KubeApiError): void;
  /** And is up to date again. */
  recovered(): void;
}

export class Informer<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #resource: KubeResource<T>;
  readonly #selection: Selection;
  readonly #clock: Clock;
  readonly #listener: InformerListener<T>;
  readonly #objects = new Map<string, T>();
  readonly #stop = new AbortController();
  #resourceVersion: string | undefined;
  #failures = 0;
  #finished: Promise<void> | undefined;

  constructor(
    from: { readonly client: KubeClient; readonly clock: Clock },
    resource: KubeResource<T>,
    selection: Selection,
    listener: InformerListener<T>,
  ) {
    this.#client = from.client;
    this.#clock = from.clock;
    this.#resource = resource;
    this.#selection = selection;
    this.#listener = listener;
  }

  get objects(): readonly T[] {
    return [...this.#objects.values()];
  }

  start(): void {
    this.#finished ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#finished;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        else await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#failed(error);
        await this.#pause();
      }
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#client.list(this.#resource, this.#selection, {
      signal: this.#stop.signal,
    });
    const there = new Set(items.map(keyOf));
    const gone = [...this.#objects].filter(([key]) => !there.has(key)).map(([, object]) => object);
    for (const object of gone) this.#remove(object);
    for (const object of items) this.#objects.set(keyOf(object), object);
    this.#resourceVersion = resourceVersion;
    this.#worked();
    this.#listener.changed();
  }

  async #watch(resourceVersion: string): Promise<void> {
    const startedMs = this.#clock.now();
    const selection = { ...this.#selection, resourceVersion, seconds: WATCH_SECONDS };
    // The server is to end the watch; when it does not, it is gone.
    const deadline = new AbortController();
    const timer = this.#clock.setTimer(() => deadline.abort(), (WATCH_SECONDS + 5) * 1000);
    const signal = AbortSignal.any([this.#stop.signal, deadline.signal]);
    try {
      const opened = (): void => {
        this.#worked();
        this.#listener.changed();
      };
      const changed = (change: KubeChange): void => this.#take(change);
      await this.#client.watch(this.#resource, selection, { opened, changed }, { signal });
      if (this.#clock.now() - startedMs < SHORT_WATCH_MS) await this.#pause();
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      throw new KubeApiError({
        request: `GET ${this.#resource.plural}`,
        reason: 'ETIMEDOUT',
        words: 'the watch went silent',
      });
    } finally {
      timer.cancel();
    }
  }

  #take({ type, object }: KubeChange): void {
    if (type === 'ERROR') throw statusError(this.#resource.plural, object);
    this.#resourceVersion = object.metadata?.resourceVersion ?? this.#resourceVersion;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') this.#remove(object as T);
    else this.#objects.set(keyOf(object), object as T);
    this.#listener.changed();
  }

  #remove(object: T): void {
    this.#objects.delete(keyOf(object));
    this.#listener.removed(object);
  }

  #worked(): void {
    if (this.#failures > 0) this.#listener.recovered();
    this.#failures = 0;
  }

  #failed(error: unknown): void {
    const told =
      error instanceof KubeApiError
        ? error
        : new KubeApiError({
            request: `GET ${this.#resource.plural}`,
            reason: 'FAILED',
            words: String(error),
            cause: error,
          });
    if (told.status === 410) {
      this.#resourceVersion = undefined;
      return;
    }
    this.#failures += 1;
    if (this.#failures === 1) this.#listener.trouble(told);
  }

  async #pause(): Promise<void> {
    const delayMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    await pause(this.#clock, delayMs, { signal: this.#stop.signal, keepAlive: true }).catch(() => {});
  }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

const statusError = (plural: string, { code, reason, message }: KubeStatus): KubeApiError =>
  new KubeApiError({
    request: `GET ${plural}`,
    ...(code === undefined ? {} : { status: code }),
    reason: reason ?? 'Error',
    words: message ?? 'the watch ended with an error',
  });
