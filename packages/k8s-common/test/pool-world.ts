/** A cluster in memory for pool machines: it performs their orders, and tests decide what becomes of the pods. */
import type { BackendDiagnosis, WorkerChange } from '@splitrock/core/plugin';
import type { Trouble } from '../src/diagnosis/diagnosis-codes.ts';
import type { PodDeath } from '../src/diagnosis/pod-death.ts';
import { PoolMachine } from '../src/pool/pool-machine.ts';
import type { PoolEvent, PoolInstruction } from '../src/pool/pool-events.ts';
import type { PodView } from '../src/pool/pod-view.ts';
import type { NodeRoom } from '../src/sizing/node-room.ts';
import { someOptions } from './kube-samples.ts';

export interface Client {
  readonly name: string;
  readonly machine: PoolMachine;
  readonly changes: WorkerChange[];
  readonly diagnoses: BackendDiagnosis[];
  readonly examined: string[];
  readonly toPerform: PoolInstruction[];
  isPerforming: boolean;
  wakeAtMs: number | undefined;
}

export const crash = (message = 'it crashed', log = 'Error: boom'): PodDeath => ({
  reason: { kind: 'exit', message, exitCode: 78 },
  isOwnFault: true,
  log,
});
export const eviction: PodDeath = { reason: { kind: 'evicted', message: 'it was evicted' }, isOwnFault: false };

export class PoolWorld {
  nowMs = 1_000_000;
  readonly pods = new Map<string, PodView>();
  readonly clients: Client[] = [];
  readonly removed: string[] = [];
  /** How creations are refused, while they are. */
  refusal: Trouble | undefined;
  creations = 0;

  client(given: object = {}, name = `client-${this.clients.length}`): Client {
    const machine = new PoolMachine({ options: someOptions(given), prefix: 'p', madeBy: name });
    const client: Client = {
      name,
      machine,
      changes: [],
      diagnoses: [],
      examined: [],
      toPerform: [],
      isPerforming: false,
      wakeAtMs: undefined,
    };
    this.clients.push(client);
    return client;
  }

  /** Lets a client see all that there is, and performs what it wants. */
  look(client: Client): void {
    this.tell(client, { type: 'pods', pods: [...this.pods.values()] });
  }

  lookAll(): void {
    for (const client of this.clients) this.look(client);
  }

  demand(client: Client, slots: number): void {
    this.tell(client, { type: 'demand', slots });
  }

  rooms(client: Client, rooms: readonly NodeRoom[]): void {
    this.tell(client, { type: 'rooms', rooms });
  }

  tell(client: Client, event: PoolEvent): void {
    client.toPerform.push(...client.machine.handle(event, this.nowMs));
    // What an instruction brings at once must not overtake what is still to be performed.
    if (client.isPerforming) return;
    client.isPerforming = true;
    client.wakeAtMs = undefined;
    for (let next = client.toPerform.shift(); next !== undefined; next = client.toPerform.shift()) {
      this.#perform(client, next);
    }
    client.isPerforming = false;
  }

  /** Time passes in steps, as clients want to be woken; they see everything each time. */
  pass(ms: number, stepMs = 500): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs = Math.min(untilMs, this.nowMs + stepMs);
      for (const client of this.clients) {
        if (client.wakeAtMs !== undefined && client.wakeAtMs <= this.nowMs) this.tell(client, { type: 'tick' });
      }
    }
  }

  /** Changes pods of these names, all without names, and lets everyone see. */
  become(change: Partial<PodView>, ...names: readonly string[]): void {
    for (const name of names.length === 0 ? [...this.pods.keys()] : names) {
      const pod = this.pods.get(name);
      if (pod !== undefined) this.pods.set(name, { ...pod, ...change });
    }
    this.lookAll();
  }

  vanish(name: string, death: PodDeath): void {
    const pod = this.pods.get(name);
    if (pod === undefined) return;
    this.pods.delete(name);
    for (const client of this.clients) this.tell(client, { type: 'gone', pod, death });
    this.lookAll();
  }

  names(...phases: readonly PodView['phase'][]): readonly string[] {
    const there = [...this.pods.values()].filter(({ phase }) => phases.length === 0 || phases.includes(phase));
    return there.map(({ name }) => name).toSorted();
  }

  #perform(client: Client, instruction: PoolInstruction): void {
    switch (instruction.type) {
      case 'create':
        return this.#create(client, instruction);
      case 'delete':
        return this.#delete(instruction);
      case 'worker':
        return void client.changes.push(instruction.change);
      case 'diagnosis':
        return void client.diagnoses.push(instruction.event);
      case 'examine':
        return void client.examined.push(instruction.name);
      case 'wake':
        client.wakeAtMs = this.nowMs + instruction.delayMs;
    }
  }

  #create(client: Client, order: PoolInstruction & { readonly type: 'create' }): void {
    const { name, place, size } = order;
    if (this.refusal !== undefined) return this.tell(client, { type: 'refused', name, trouble: this.refusal });
    if (this.pods.has(name)) return this.tell(client, { type: 'created', name, outcome: 'exists' });
    this.creations += 1;
    const uid = `${name}/${this.creations}`;
    this.pods.set(name, { name, uid, place, slots: size.slots, madeBy: client.name, phase: 'pending' });
    this.tell(client, { type: 'created', name, outcome: 'created' });
  }

  #delete({ name, uid }: { readonly name: string; readonly uid: string }): void {
    const pod = this.pods.get(name);
    if (pod?.uid !== uid) return;
    this.pods.delete(name);
    this.removed.push(name);
    for (const each of this.clients) this.tell(each, { type: 'gone', pod, death: pod.death ?? vanished });
  }
}

const vanished: PodDeath = { reason: { kind: 'worker-lost', message: 'it vanished' }, isOwnFault: false };

/** A node with room for this many CPUs. */
export const someRoom = (name: string, cpus: number, unusable?: string): NodeRoom => {
  const amounts = { cpu: cpus * 1000, memory: cpus * 2 ** 30, pods: 100 };
  return { name, hostname: name, allocatable: amounts, free: amounts, ...(unusable === undefined ? {} : { unusable }) };
};
