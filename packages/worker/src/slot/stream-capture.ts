/**
 * Catches what calls write to `process.stdout` and `process.stderr` (and so `console`) in a process that runs several
 * calls, and hands it to the call that wrote it. What no call wrote goes on to the real stream.
 */
import { StringDecoder } from 'node:string_decoder';
import { callScope } from './call-scope.ts';
import type { RunningCall } from './running-call.ts';

export function captureStreams(): void {
  capture('stdout', process.stdout);
  capture('stderr', process.stderr);
}

function capture(name: 'stdout' | 'stderr', stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream);
  const decoders = new WeakMap<RunningCall, StringDecoder>();
  const caught = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    const call = callScope.getStore();
    if (call === undefined) return (write as (...all: unknown[]) => boolean)(chunk, ...rest);
    const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined;
    call.log.output(name, textOf(chunk, encoding, call, decoders));
    const callback = rest.find((value) => typeof value === 'function') as (() => void) | undefined;
    if (callback !== undefined) process.nextTick(callback);
    return true;
  };
  stream.write = caught;
}

/** A character may be cut in two writes of bytes, so each call has its decoder. */
function textOf(
  chunk: Uint8Array | string,
  encoding: BufferEncoding | undefined,
  call: RunningCall,
  decoders: WeakMap<RunningCall, StringDecoder>,
): string {
  if (typeof chunk === 'string' && (encoding === undefined || encoding === 'utf8' || encoding === 'utf-8'))
    return chunk;
  let decoder = decoders.get(call);
  if (decoder === undefined) decoders.set(call, (decoder = new StringDecoder('utf8')));
  return decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk));
}
