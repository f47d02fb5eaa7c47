/** Runs other programs and fails with what they said. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** @returns standard output @throws Error with the end of standard error */
export async function run(command: string, args: readonly string[], cwd = '/'): Promise<string> {
  try {
    return (await execute(command, args, { cwd, maxBuffer: 64 << 20 })).stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const said = (stderr ?? '').trim().split('\n').slice(-5).join('\n');
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed: ${said === '' ? message : said}`, {
      cause: error,
    });
  }
}

export const succeeds = (command: string, args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

/** Progress is for people; results go to standard output. */
export const say = (line: string): void => console.error(`cluster: ${line}`);
