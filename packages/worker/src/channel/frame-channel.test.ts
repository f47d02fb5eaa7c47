import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameChannel, type FrameChannelOptions } from './frame-channel.ts';
import { FrameDecoder, encodeFrame } from './frame-decoder.ts';

/** Two ends of a pipe in memory. */
function pipe(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  for (const other of [1, 0]) {
    ends.push(
      new Duplex({
        read() {},
        write(chunk, _encoding, callback) {
          (ends[other] as Duplex).push(chunk);
          callback();
        },
        final(callback) {
          (ends[other] as Duplex).push(null);
          callback();
        },
      }),
    );
  }
  return ends as [Duplex, Duplex];
}

interface Listened {
  readonly channel: FrameChannel;
  readonly frames: string[];
  readonly closed: Promise<Error | undefined>;
}

function listen(stream: Duplex, options?: FrameChannelOptions): Listened {
  const frames: string[] = [];
  let channel: FrameChannel | undefined;
  const closed = new Promise<Error | undefined>((onClose) => {
    channel = new FrameChannel(stream, { onFrame: (payload) => frames.push(payload.toString()), onClose }, options);
  });
  return { channel: channel as FrameChannel, frames, closed };
}

describe('frames', () => {
  it('come whole and in order, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 })),
        fc.array(fc.integer({ min: 1, max: 50 })),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map(encodeFrame));
          const decoder = new FrameDecoder();
          const found: Buffer[] = [];
          let offset = 0;
          for (let cut = 0; offset < stream.length; cut += 1) {
            const end = offset + (cuts[cut % cuts.length] ?? stream.length);
            found.push(...decoder.push(stream.subarray(offset, end)));
            offset = end;
          }
          expect(found.map((each) => [...each])).toEqual(payloads.map((each) => [...each]));
          expect(decoder.bufferedBytes).toBe(0);
        },
      ),
    );
  });

  it('above the limit are refused before they are read', () => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(1001);
    expect(() => new FrameDecoder(1000).push(header)).toThrow('bytes=1001, limit=1000');
  });
});

describe('a channel', () => {
  it('carries frames both ways and closes after what was sent', async () => {
    const [left, right] = pipe();
    const a = listen(left);
    const b = listen(right);
    a.channel.send(Buffer.from('one'));
    a.channel.send(Buffer.from(''));
    b.channel.send(Buffer.from('answer'));
    await Promise.all([a.channel.flush(), b.channel.flush()]);
    a.channel.send(Buffer.from('last'));
    a.channel.close();
    expect(await b.closed).toBe(undefined);
    expect([a.frames, b.frames]).toEqual([['answer'], ['one', '', 'last']]);
    expect(a.channel.send(Buffer.from('late'))).toBe(false);
  });

  it('says so when the peer ended in the middle of a frame', async () => {
    const [left, right] = pipe();
    const { closed, frames } = listen(right);
    left.write(encodeFrame(Buffer.from('whole')));
    left.end(encodeFrame(Buffer.from('cut off')).subarray(0, 6));
    expect(await closed).toMatchObject({ code: 'DATA_CORRUPT' });
    expect(frames).toEqual(['whole']);
  });

  it('closes on a frame above the limit, and sends none', async () => {
    const [left, right] = pipe();
    const { channel, closed } = listen(right, { maxFrameBytes: 10 });
    expect(() => channel.send(Buffer.alloc(11))).toThrow('bytes=11, limit=10');
    left.write(encodeFrame(Buffer.alloc(11)));
    expect(await closed).toMatchObject({ code: 'DATA_CORRUPT' });
  });

  it('closes when the peer’s process is killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const { channel, closed } = listen(child.stdio[3] as Duplex);
    await once(child, 'spawn');
    child.kill('SIGKILL');
    await closed;
    expect(channel.send(Buffer.from('late'))).toBe(false);
  });

  it('takes what a slow reader leaves, and says how much that is', () => {
    const stuck = new Duplex({ read() {}, write() {} });
    const { channel } = listen(stuck);
    for (let frame = 0; frame < 10; frame += 1) channel.send(Buffer.alloc(1000));
    expect(channel.pendingBytes).toBe(10 * 1004);
    channel.destroy();
  });
});
