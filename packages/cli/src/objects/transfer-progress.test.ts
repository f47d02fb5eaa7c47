import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { transferProgress } from './transfer-progress.ts';

function screen(isTTY: boolean): {
  readonly stream: Writable & { readonly isTTY: boolean };
  readonly text: () => string;
} {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => text };
}

it('shows bytes on their way on a terminal, from nothing to all, and is gone then', () => {
  const { stream, text } = screen(true);
  const progress = transferProgress(stream, 3 * 1024 * 1024);
  progress.add(1024 * 1024);
  progress.add(2 * 1024 * 1024);
  progress.close();
  expect(text()).toContain('0% 0 B of 3.0 MiB');
  expect(text()).toContain('100% 3.0 MiB of 3.0 MiB');
});

it('writes nothing elsewhere, nor of an unknown size', () => {
  for (const [isTTY, total] of [
    [false, 10],
    [true, undefined],
  ] as const) {
    const { stream, text } = screen(isTTY);
    const progress = transferProgress(stream, total);
    progress.add(10);
    progress.close();
    expect(text()).toBe('');
  }
});
