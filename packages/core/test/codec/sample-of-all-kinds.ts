/** One value with something of every kind that all supported versions of Node.js have. Made anew it is always the same. */
export function sampleOfAllKinds(): unknown {
  const error = new TypeError('outer', { cause: new RangeError('inner') });
  for (const each of [error, error.cause as Error]) each.stack = 'a stack that does not depend on where this is run';
  const buffer = Float64Array.of(1, 2, 3).buffer;
  const symbol = Symbol('own');
  const self: { me?: unknown } = {};
  self.me = self;
  return {
    primitives: [
      undefined,
      null,
      true,
      -0,
      NaN,
      1.5,
      -7,
      1n << 80n,
      'text',
      '\ud800',
      '漢字',
      Symbol.iterator,
      Symbol.for('key'),
    ],
    plain: Array.from({ length: 40 }, (_, id) => ({
      id,
      at: new Date(id),
      tags: new Set([id]),
      more: new Map([[id, { id }]]),
    })),
    error,
    views: [
      new Uint8Array(buffer),
      new Float64Array(buffer),
      new DataView(buffer),
      Buffer.from('bytes'),
      new BigInt64Array([-1n]),
    ],
    large: new Int32Array(5_000).fill(-3),
    host: [new URL('https://example.org/a?b'), /a(?<n>b)/dgu],
    symbols: { [symbol]: symbol },
    shapes: [Object.freeze({ a: 1 }), Object.create(null), Object.create({ inherited: true }), [1, , 3], Object(5n)], // eslint-disable-line no-sparse-arrays -- holes travel
    self,
  };
}
