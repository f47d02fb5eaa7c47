import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackedBytes } from './packed-bytes.ts';
import { ResultStore } from './result-store.ts';

describe('PackedBytes', () => {
  it('gives back what was added, whatever the sizes', () => {
    const size = fc.oneof(fc.nat(40), fc.constantFrom(0, 4_096, 65_536, 65_537, 300_000));
    fc.assert(
      fc.property(fc.array(size, { maxLength: 60 }), (sizes) => {
        const packed = new PackedBytes();
        const all = sizes.map((length, index) => new Uint8Array(length).fill(index + 1));
        for (const bytes of all) packed.add(bytes);
        expect(packed.length).toBe(all.length);
        expect(packed.totalBytes).toBe(sizes.reduce((sum, length) => sum + length, 0));
        all.forEach((bytes, entry) => {
          expect(packed.sizeOf(entry)).toBe(bytes.length);
          expect(Buffer.compare(packed.get(entry), bytes)).toBe(0);
        });
      }),
    );
  });

  it('does not see later changes of what was added', () => {
    const packed = new PackedBytes();
    const bytes = Uint8Array.of(1, 2);
    packed.add(bytes);
    bytes.fill(9);
    expect([...packed.get(0)]).toEqual([1, 2]);
  });

  it('lets go of a buffer when nothing in it is needed any more, and goes on', () => {
    const packed = new PackedBytes();
    for (let entry = 0; entry < 300; entry += 1) packed.add(new Uint8Array(100).fill(entry));
    for (let entry = 0; entry < 200; entry += 1) packed.release(entry);
    expect(() => packed.get(0)).toThrow(RangeError);
    expect(packed.get(299)[0]).toBe(299 % 256);
    packed.add(Uint8Array.of(7));
    expect(packed.get(300)[0]).toBe(7);
  });
});

describe('ResultStore', () => {
  it('keeps results by call, in whatever order they come, and lets go of single ones', async () => {
    const results = new ResultStore(undefined as never);
    results.set(5_000, { inline: Uint8Array.of(5) });
    results.set(0, { inline: Uint8Array.of() });
    results.set(1, { key: 'big', bytes: 10 });
    expect(results.location(0)).toEqual({ inline: Uint8Array.of() });
    expect(results.location(1)).toEqual({ key: 'big', bytes: 10 });
    expect(results.location(2)).toBe(undefined);
    expect(await results.value(5_000, (bytes) => bytes[0])).toBe(5);
    results.release(5_000);
    results.release(1);
    expect([results.location(5_000), results.location(1)]).toEqual([undefined, undefined]);
  });
});
