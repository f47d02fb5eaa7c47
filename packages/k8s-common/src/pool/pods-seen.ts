/** The pods of a pool with what only a memory can tell: since when, whether they ever ran, what was told already. */
import type { Trouble } from '../diagnosis/diagnosis-codes.ts';
import type { PodView } from './pod-view.ts';
import { STEADY_MS } from './start-failures.ts';

const EXAMINE_EVERY_MS = 3_000;
const NAME_REST_MS = 60_000;

interface Memory {
  readonly firstSeenMs: number;
  runningSinceMs?: number;
  /** Its end was told. */
  hasEnded?: boolean;
  /** Its deletion was asked for. */
  isRemoved?: boolean;
  examinedMs?: number;
  eventTrouble?: Trouble;
}

export interface PendingPod {
  readonly pod: PodView;
  readonly pendingMs: number;
}

export class PodsSeen {
  /** By uid; kept while the pod is in the API, so that its end is told once. */
  readonly #memories = new Map<string, Memory>();
  /** When pods were first missed, by name. */
  readonly #gone = new Map<string, number>();
  #pods: readonly PodView[] | undefined;

  /** Whether pods were told at all: before that, nothing can be decided. */
  get known(): boolean {
    return this.#pods !== undefined;
  }

  /** Names that are taken, and those of pods that have just gone: who was lost is not to come back as another. */
  names(nowMs: number): readonly string[] {
    for (const [name, goneMs] of this.#gone) if (nowMs - goneMs >= NAME_REST_MS) this.#gone.delete(name);
    return [...(this.#pods ?? []).map(({ name }) => name), ...this.#gone.keys()];
  }

  /** Pods that run calls or will. */
  get live(): readonly PodView[] {
    return (this.#pods ?? []).filter(
      ({ phase, uid }) => phase === 'running' || (phase === 'pending' && this.#memories.get(uid)?.isRemoved !== true),
    );
  }

  get running(): readonly PodView[] {
    return (this.#pods ?? []).filter(({ phase }) => phase === 'running');
  }

  update(pods: readonly PodView[], nowMs: number): void {
    const there = new Set(pods.map(({ uid }) => uid));
    for (const uid of this.#memories.keys()) if (!there.has(uid)) this.#memories.delete(uid);
    for (const { name, uid } of this.#pods ?? []) if (!there.has(uid)) this.#gone.set(name, nowMs);
    for (const { uid, phase } of pods) {
      const memory = this.#memory(uid, nowMs);
      if (phase === 'running') memory.runningSinceMs ??= nowMs;
    }
    this.#pods = pods;
  }

  /** With the troubles that their events told, where they do not tell themselves. */
  pending(nowMs: number): readonly PendingPod[] {
    return this.live
      .filter(({ phase }) => phase === 'pending')
      .map((pod) => {
        const { firstSeenMs, eventTrouble } = this.#memory(pod.uid, nowMs);
        const trouble = pod.trouble ?? eventTrouble;
        return { pod: trouble === undefined ? pod : { ...pod, trouble }, pendingMs: nowMs - firstSeenMs };
      });
  }

  hasSteadyWorker(nowMs: number): boolean {
    return this.running.some(({ uid }) => nowMs - (this.#memories.get(uid)?.runningSinceMs ?? nowMs) >= STEADY_MS);
  }

  historyOf({ uid, phase, death }: PodView): { readonly hasRun: boolean; readonly wasOurs: boolean } {
    const memory = this.#memories.get(uid);
    // A pod may run and end between two looks.
    const ranUnseen = phase === 'succeeded' || (phase === 'failed' && death?.reason.kind !== 'start-failed');
    const hasRun = memory?.runningSinceMs !== undefined || phase === 'running' || ranUnseen;
    return { hasRun, wasOurs: memory?.isRemoved === true && phase !== 'failed' };
  }

  /** Whether its end was not told yet; from now on it was. */
  isNewlyEnded(uid: string): boolean {
    const memory = this.#memories.get(uid);
    if (memory === undefined) return true;
    const isNew = memory.hasEnded !== true;
    memory.hasEnded = true;
    return isNew;
  }

  /** Whether its deletion was not asked for yet; from now on it was. */
  isNewlyRemoved(uid: string): boolean {
    const memory = this.#memories.get(uid);
    if (memory === undefined || memory.isRemoved === true) return false;
    memory.isRemoved = true;
    return true;
  }

  isExaminationDue(uid: string, nowMs: number): boolean {
    const memory = this.#memory(uid, nowMs);
    if (memory.examinedMs !== undefined && nowMs - memory.examinedMs < EXAMINE_EVERY_MS) return false;
    memory.examinedMs = nowMs;
    return true;
  }

  examined(uid: string, trouble: Trouble | undefined): void {
    const memory = this.#memories.get(uid);
    if (memory === undefined) return;
    if (trouble === undefined) delete memory.eventTrouble;
    else memory.eventTrouble = trouble;
  }

  #memory(uid: string, nowMs: number): Memory {
    const known = this.#memories.get(uid) ?? { firstSeenMs: nowMs };
    this.#memories.set(uid, known);
    return known;
  }
}
