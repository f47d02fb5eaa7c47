import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';
import { decodeGather, encodeGather, type ResultLocation } from './gather.ts';
import { decodeInputPart, encodeInputPart, offsetTableRange, readOffsets } from './input-part.ts';
import { decodeJobDescriptor, encodeJobDescriptor, type JobDescriptor } from './job-descriptor.ts';
import { decodeStatusSegment, encodeStatusSegment, type CallOutcome, type StatusEvent } from './status-event.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const count = fc.integer({ min: 0, max: 2 ** 31 });
const time = fc.double({ min: 0, max: 2e12, noNaN: true }).map((ms) => ms + 0);

const location: fc.Arbitrary<ResultLocation> = fc.oneof(
  bytes.map((inline) => ({ inline })),
  fc.record({ key: fc.string(), bytes: count }),
);

const outcome: fc.Arbitrary<CallOutcome> = fc.oneof(
  bytes.map((inline) => ({ kind: 'value' as const, inline })),
  fc.record({ kind: fc.constant('value' as const), key: fc.string(), bytes: count }),
  fc.record({ kind: fc.constant('error' as const), error: bytes, name: fc.string(), message: fc.string() }),
  fc.constant({ kind: 'timeout' as const, timeoutMs: 5, by: 'SIGKILL' as const }),
  fc.constant({ kind: 'cancelled' as const }),
  fc.constant({ kind: 'lost' as const, reason: { kind: 'exit' as const, exitCode: 7, message: 'It left.' } }),
);
const call = { callId: count, attempt: count, workerId: fc.constant('w1') };
const event: fc.Arbitrary<StatusEvent> = fc.oneof(
  fc.record({ type: fc.constant('started' as const), ...call, slot: count, startedAtMs: time }),
  fc.record(
    {
      type: fc.constant('finished' as const),
      ...call,
      slot: count,
      startedAtMs: time,
      finishedAtMs: time,
      outcome,
      usage: fc.constant({ cpuUserMs: 1, cpuSystemMs: 2, maxRssBytes: 3 }),
    },
    { requiredKeys: ['type', 'callId', 'attempt', 'workerId', 'slot', 'startedAtMs', 'finishedAtMs', 'outcome'] },
  ) as fc.Arbitrary<StatusEvent>,
  fc.record({
    type: fc.constant('log' as const),
    ...call,
    stream: fc.constantFrom('stdout' as const, 'stderr' as const, 'log' as const),
    atMs: time,
    text: fc.string({ unit: 'grapheme' }),
  }),
);

const descriptor: JobDescriptor = {
  executorId: 'abcdefghijkl',
  jobNumber: 7,
  tenant: 'blue',
  name: 'größe',
  createdAtMs: 1_700_000_000_000,
  function: { artifact: 'ab'.repeat(32), environment: 'inline' },
  calls: 3,
  run: {
    timeoutMs: null,
    abortGraceMs: 0,
    killGraceMs: 1,
    env: { A: 'b' },
    memoryMiB: 64,
    cpu: 0.5,
    chunkSize: null,
    maxLogBytes: 0,
    inlineResultBytes: 1,
    nestingDepth: 1,
  },
  client: { any: ['thing'] },
  environment: Uint8Array.of(1, 2, 3),
};

const descriptorBodyBytes = descriptor.environment.length + 1;

/** Every format, with something encoded in it and how it is read. */
const FORMATS: readonly [name: string, encoded: Uint8Array, decode: (data: Uint8Array) => unknown][] = [
  [
    'gather',
    encodeGather({ single: false, results: [{ inline: Uint8Array.of(1, 2) }, { key: 'k', bytes: 3 }] }),
    decodeGather,
  ],
  ['job descriptor', encodeJobDescriptor({ ...descriptor, inputs: Uint8Array.of(9) }), decodeJobDescriptor],
  [
    'status segment',
    encodeStatusSegment('w1', [
      { type: 'started', callId: 0, attempt: 1, workerId: 'w1', slot: 0, startedAtMs: 5 },
      {
        type: 'finished',
        callId: 0,
        attempt: 1,
        workerId: 'w1',
        slot: 0,
        startedAtMs: 5,
        finishedAtMs: 6,
        outcome: { kind: 'value', inline: Uint8Array.of(4, 5, 6) },
      },
    ]),
    decodeStatusSegment,
  ],
  ['input part', encodeInputPart(2, [Uint8Array.of(0, 1), Uint8Array.of(0), Uint8Array.of(0, 2, 3)]), decodeInputPart],
];

describe('what is written is what is read', () => {
  it('of an envelope', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(bytes), (header, body) => {
        const read = decodeEnvelope('M', encodeEnvelope('M', header, body), 'it');
        expect(read.header).toEqual(JSON.parse(JSON.stringify(header)));
        expect([...read.body]).toEqual(body.flatMap((piece) => [...piece]));
      }),
    );
  });

  it('of a gather', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(location), (single, results) => {
        expect(decodeGather(encodeGather({ single, results }))).toEqual({ single, results });
      }),
    );
  });

  it('of a status segment', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        expect(decodeStatusSegment(encodeStatusSegment('w1', events))).toEqual(events);
      }),
    );
  });

  it.each([undefined, Uint8Array.of(8, 9)])('of a job descriptor with inputs %o', (inputs) => {
    const written = inputs === undefined ? descriptor : { ...descriptor, inputs };
    expect(decodeJobDescriptor(encodeJobDescriptor(written))).toEqual(written);
  });

  it('of an input part, whole and by ranged reads', () => {
    fc.assert(
      fc.property(count, fc.array(bytes, { minLength: 1 }), fc.nat(), fc.nat(), (firstCall, payloads, a, b) => {
        const encoded = encodeInputPart(firstCall, payloads);
        const decoded = decodeInputPart(encoded);
        const { part } = decoded;
        expect(part).toEqual({ firstCall, calls: payloads.length });
        expect(payloads.map((_, index) => decoded.payload(firstCall + index))).toEqual(payloads);
        const [from, to] = [a % payloads.length, (b % payloads.length) + 1].toSorted((x, y) => x - y) as [
          number,
          number,
        ];
        const range = offsetTableRange(part, firstCall + from, firstCall + to);
        const offsets = readOffsets(part, encoded.slice(range.offset, range.offset + range.length));
        const read = Array.from({ length: to - from }, (_, index) => encoded.slice(offsets[index], offsets[index + 1]));
        expect(read).toEqual(payloads.slice(from, to));
      }),
    );
  });
});

describe.each(FORMATS)('a damaged %s', (_, encoded, decode) => {
  const refuses = (damaged: Uint8Array): boolean => {
    try {
      decode(damaged);
      return false;
    } catch (error) {
      expect(isSplitrockError(error, 'DATA_CORRUPT') || isSplitrockError(error, 'DATA_VERSION'), String(error)).toBe(
        true,
      );
      return true;
    }
  };

  it('is refused wherever it is cut off', () => {
    for (let length = 0; length < encoded.length; length += 1) {
      // Captured values end where the descriptor does; the codec, which decodes them, misses their end.
      const isOfTheCodec = decode === decodeJobDescriptor && length > encoded.length - descriptorBodyBytes;
      expect(refuses(encoded.slice(0, length)) || isOfTheCodec, `cut at ${length}`).toBe(true);
    }
  });

  it('is refused, or read as something else, and never fails in another way', () => {
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.nat(255), (at, value) => {
        const damaged = encoded.slice();
        damaged[at] = value;
        refuses(damaged);
      }),
      { numRuns: 500 },
    );
  });

  it('of another version says which version is read', () => {
    const other = encoded.slice();
    other[4] = 9;
    expect(() => decode(other)).toThrow(
      expect.objectContaining({ code: 'DATA_VERSION', message: expect.stringMatching(/version 9.*reads.* 1/) }),
    );
  });
});

it.each([[null], [5], ['text'], [[]]])('a status segment whose header is %j is refused', (header) => {
  expect(() => decodeStatusSegment(encodeEnvelope('S', header))).toThrow(
    expect.objectContaining({ code: 'DATA_CORRUPT' }),
  );
});

it('one kind of envelope is not taken for another', () => {
  const status = encodeStatusSegment('w1', []);
  expect(() => decodeJobDescriptor(status)).toThrow(/its kind is S, not J/);
});
