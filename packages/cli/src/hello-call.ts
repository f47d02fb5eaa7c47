/** The function that `splitrock hello` runs: it tells where it ran. */
import { hostname } from 'node:os';

export interface HelloAnswer {
  readonly host: string;
  readonly pid: number;
  readonly node: string;
}

export const hello = (): HelloAnswer => ({ host: hostname(), pid: process.pid, node: process.versions.node });
