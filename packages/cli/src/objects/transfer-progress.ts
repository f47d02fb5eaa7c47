/** A bar for bytes on their way, on a terminal; nothing elsewhere. */
import { SingleBar } from 'cli-progress';
import { formatBytes } from '../output/quantities.ts';
import type { TextStream } from '../output/output.ts';

export interface TransferProgress {
  readonly add: (bytes: number) => void;
  readonly close: () => void;
}

/** `totalBytes` may be unknown (a pipe). */
export function transferProgress(stream: TextStream, totalBytes: number | undefined): TransferProgress {
  if (stream.isTTY !== true || totalBytes === undefined) return { add: () => undefined, close: () => undefined };
  const bar = new SingleBar({
    stream: stream as NodeJS.WriteStream,
    format: '[{bar}] {percentage}% {done} of {total_}',
    barsize: 24,
    clearOnComplete: true,
  });
  const total = formatBytes(totalBytes);
  let done = 0;
  bar.start(Math.max(1, totalBytes), 0, { done: formatBytes(0), total_: total });
  return {
    add: (bytes) => {
      done += bytes;
      bar.update(done, { done: formatBytes(done), total_: total });
    },
    close: () => bar.stop(),
  };
}
