/** Checks of this machine and this Node. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { formatBytes } from '../output/quantities.ts';
import type { Check } from './check.ts';

/** Below this much free space jobs begin to fail in odd ways. */
const LOW_SPACE_BYTES = 1024 ** 3;

export function machineChecks({ cwd }: { readonly cwd: string }): readonly Check[] {
  return [
    { name: 'node', run: async () => judgeNode(process.versions.node) },
    {
      name: 'inspector',
      remedy: 'run without --permission, or allow the inspector (--allow-inspector): functions are captured with it',
      run: async () => {
        const { Session } = await import('node:inspector');
        const session = new Session();
        session.connect();
        session.disconnect();
        return { message: 'functions can be captured' };
      },
    },
    {
      name: 'esbuild',
      remedy: 'reinstall with optional dependencies and install scripts allowed (`npm install --include=optional`)',
      run: async () => {
        const { transform, version } = await import('esbuild');
        await transform('const x: number = 1;', { loader: 'ts' });
        return { message: `functions can be bundled (esbuild ${version})` };
      },
    },
    {
      name: 'disk space',
      run: async () => judgeSpace(await Promise.all([...new Set([tmpdir(), cwd])].map(freeSpace))),
    },
  ];
}

export function judgeNode(version: string): {
  readonly status?: 'fail' | 'warn';
  readonly message: string;
  readonly remedy?: string;
} {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    return { status: 'fail', message: `Node ${version} is too old`, remedy: 'install Node 20.19 or later' };
  }
  if (major % 2 === 1)
    return {
      status: 'warn',
      message: `Node ${version} has no long-term support`,
      remedy: 'use an even version for serious work',
    };
  return { message: `Node ${version}` };
}

interface FreeSpace {
  readonly folder: string;
  readonly bytes: number;
}

const freeSpace = async (folder: string): Promise<FreeSpace> => {
  const { bavail, bsize } = await statfs(folder);
  return { folder, bytes: bavail * bsize };
};

export function judgeSpace(spaces: readonly FreeSpace[]): {
  readonly status?: 'warn';
  readonly message: string;
  readonly remedy?: string;
} {
  const message = spaces.map(({ folder, bytes }) => `${formatBytes(bytes)} free in ${folder}`).join(', ');
  const low = spaces.some(({ bytes }) => bytes < LOW_SPACE_BYTES);
  return low
    ? { status: 'warn', message, remedy: 'free some space; `splitrock clean` removes what jobs left behind' }
    : { message };
}
