/**
 * Notices changes below a folder by events of the file system: one watch on the folder and one on each folder in it.
 *
 * A new subfolder is first watched and then looked through, and every such step counts as a change; so whatever was
 * written before the watch stood is told by that, and whatever is written after it by an event. A folder that vanishes
 * (deletes prune empty ones) is made again and watched anew if it is the top one, else forgotten.
 *
 * Node takes events for as long as there are any before it turns to anything else, so that whoever writes faster than we
 * listen would keep this process from all its other work. A folder with very many events in one turn of the event loop
 * is therefore not watched for the rest of the turn, and looked through after it.
 *
 * Where the file system gives no events (`fs.watch` throws: no inotify, no watches left) or not those of other
 * machines (option `fileSystem: network`), `onChange` is called at every interval, spurious as such calls may be.
 */
import { watch, type FSWatcher } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock, ClockTimer, Logger, StorageWatch } from '@splitrock/core/plugin';
import { errnoOf } from './file-errors.ts';
import { CONTINUED_MARK, FOLDER_MARK } from './key-paths.ts';

const MAX_EVENTS_PER_TURN = 256;

export interface FolderWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly polling: boolean;
  readonly pollIntervalMs: number;
  readonly onClose: () => void;
  /** `fs.watch`, unless a test brings one that fails. */
  readonly startWatch?: typeof watch;
}

export class FolderWatch implements StorageWatch {
  readonly #top: string;
  readonly #onChange: () => void;
  readonly #options: FolderWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #pollTimer: ClockTimer | undefined;
  #told: NodeJS.Immediate | undefined;
  /** Events since the event loop last came round. */
  #eventsOfTurn = 0;
  #closed = false;

  constructor(top: string, onChange: () => void, options: FolderWatchOptions) {
    this.#top = top;
    this.#onChange = onChange;
    this.#options = options;
  }

  async start(): Promise<void> {
    await mkdir(this.#top, { recursive: true });
    if (this.#options.polling) this.#poll();
    else await this.#watchTree(this.#top);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pollTimer?.cancel();
    clearImmediate(this.#told);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#options.onClose();
  }

  /** Watches a folder and, found after that, all folders in it. */
  async #watchTree(folder: string): Promise<void> {
    if (this.#closed || !(await this.#watchFolder(folder))) return;
    let names: string[];
    try {
      names = await readdir(folder);
    } catch {
      return; // gone again; the parent's event, or this one's own, tells
    }
    await Promise.all(names.filter(isFolderName).map((name) => this.#watchTree(join(folder, name))));
  }

  /** Returns whether the folder is watched now. */
  async #watchFolder(folder: string): Promise<boolean> {
    this.#unwatch(folder);
    try {
      const watcher = (this.#options.startWatch ?? watch)(folder, (event, name) => this.#onEvent(folder, event, name));
      watcher.on('error', (error) => this.#fallBack(error));
      this.#watchers.set(folder, watcher);
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') {
        this.#fallBack(error);
        return false;
      }
      if (folder !== this.#top) return false;
      await mkdir(folder, { recursive: true });
      return this.#closed ? false : this.#watchFolder(folder);
    }
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #onEvent(folder: string, event: string, name: string | null): void {
    this.#tell();
    this.#eventsOfTurn += 1;
    if (this.#eventsOfTurn > MAX_EVENTS_PER_TURN) return this.#restFrom(folder);
    if (event !== 'rename' || this.#closed) return;
    // A folder's own removal comes as an event with its own name.
    if (name === null || (folder === this.#top && name === basename(folder))) this.#rewatch(folder);
    else if (isFolderName(name)) this.#rewatch(join(folder, name));
  }

  #restFrom(folder: string): void {
    if (!this.#watchers.has(folder)) return;
    this.#unwatch(folder);
    setImmediate(() => this.#rewatch(folder));
  }

  #rewatch(folder: string): void {
    this.#watchTree(folder).then(
      () => this.#tell(),
      (error: unknown) => this.#fallBack(error),
    );
  }

  #tell(): void {
    if (this.#closed || this.#told !== undefined) return;
    this.#told = setImmediate(() => {
      this.#told = undefined;
      this.#eventsOfTurn = 0;
      try {
        this.#onChange();
      } catch (error) {
        this.#options.logger.error('A storage watch listener threw', { error });
      }
    });
  }

  #fallBack(error: unknown): void {
    if (this.#closed || this.#pollTimer !== undefined) return;
    this.#options.logger.warn('No events from the file system; looking for changes at intervals instead', {
      folder: this.#top,
      error,
      intervalMs: this.#options.pollIntervalMs,
    });
    this.#poll();
  }

  #poll(): void {
    if (this.#closed) return;
    this.#tell();
    this.#pollTimer = this.#options.clock.setTimer(() => this.#poll(), this.#options.pollIntervalMs, {
      keepAlive: true,
    });
  }
}

const isFolderName = (name: string): boolean => name.startsWith(FOLDER_MARK) || name.startsWith(CONTINUED_MARK);
