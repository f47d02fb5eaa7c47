import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** `$SPLITROCK_HOME/storage`, else `~/.splitrock/storage`: jobs must survive a reboot, so not the temporary folder. */
export const defaultDirectory = (): string =>
  join(process.env['SPLITROCK_HOME'] || join(homedir(), '.splitrock'), 'storage');

export const localStorageOptionsSchema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default(defaultDirectory)
    .transform((directory) => resolve(directory))
    .describe('Folder that holds the objects; made when missing. Relative paths start at the working directory.'),
  durable: z
    .boolean()
    .default(false)
    .describe('Waits until each object is on the disk itself (fsync), so that it survives a power failure. Slower.'),
  fileSystem: z
    .enum(['local', 'network'])
    .default('local')
    .describe(
      'Where the directory is. `network` (NFS, SMB) never waits for the file system within the event loop, and looks for ' +
        'changes at intervals, since other machines’ writes give no events.',
    ),
  pollIntervalMs: z
    .number()
    .int()
    .min(10)
    .max(60_000)
    .default(500)
    .describe('Pause between two looks for changes, in milliseconds, where there are no events.'),
});

export type LocalStorageOptions = z.output<typeof localStorageOptionsSchema>;
