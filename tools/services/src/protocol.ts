/**
 * What is said over a keeper's socket: one JSON line each way.
 *
 * `lease`: keep the service running while this connection lives. `hold`: keep it until `stop` or `down`, which end it,
 * with or without its data. `status`: only tell. The answer comes when it is done: the service is up, or gone.
 */
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

export const COMMANDS = ['lease', 'hold', 'stop', 'down', 'status'] as const;
export type Command = (typeof COMMANDS)[number];

export type Answer =
  { readonly environment: Readonly<Record<string, string>> } | { readonly stopped: true } | { readonly error: string };

export const isCommand = (line: string): line is Command => COMMANDS.some((command) => command === line);

/** The next line from a socket; `undefined` when it ends before. */
export const readLine = (socket: Socket): Promise<string | undefined> =>
  new Promise((resolve) => {
    const lines = createInterface({ input: socket });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => resolve(undefined));
  });
