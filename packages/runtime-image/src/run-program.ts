/** Runs builders and package managers, and keeps the end of what they say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ProgramResult {
  /** 127 where there is no such program, as in shells. */
  readonly exitCode: number;
  readonly stdout: string;
  /** Everything said on both streams, the last {@link TAIL_CHARACTERS} of it. */
  readonly tail: string;
}

export interface RunProgramOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** Gets standard error as it comes: progress, for people. */
  readonly onProgress?: ((text: string) => void) | undefined;
}

const TAIL_CHARACTERS = 4_000;
const NOT_FOUND = 127;

/** @throws the signal's reason when it aborts */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, signal, onProgress }: RunProgramOptions = {},
): Promise<ProgramResult> {
  signal?.throwIfAborted();
  const child = spawn(program, args, { ...(cwd === undefined ? {} : { cwd }), stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let tail = '';
  const keep = (text: string): void => void (tail = (tail + text).slice(-TAIL_CHARACTERS));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    keep(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    keep(text);
    onProgress?.(text);
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal?.throwIfAborted();
    return { exitCode: code ?? 1, stdout, tail: tail.trim() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { exitCode: NOT_FOUND, stdout: '', tail: 'not found' };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** What people look at first: the last lines of a program's output. */
export const lastLines = (text: string, count = 6): string => text.split('\n').slice(-count).join('\n');
