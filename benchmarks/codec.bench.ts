/**
 * The data codec beside `node:v8` and JSON: time per value to encode and to decode, and bytes.
 * Run: `node --conditions=@splitrock/source benchmarks/codec.bench.ts [part of a case's name]`
 */
import { deserialize, serialize } from 'node:v8';
import { decodeValue, encodeValue } from '@splitrock/core/plugin';

interface Format {
  readonly name: string;
  encode(value: unknown): Uint8Array | string;
  decode(bytes: Uint8Array | string): unknown;
}

const FORMATS: readonly Format[] = [
  { name: 'splitrock', encode: encodeValue, decode: (bytes) => decodeValue(bytes as Uint8Array) },
  {
    name: 'splitrock, portable',
    encode: (value) => encodeValue(value, { portable: true }),
    decode: (bytes) => decodeValue(bytes as Uint8Array),
  },
  { name: 'v8', encode: serialize, decode: (bytes) => deserialize(bytes as Uint8Array) },
  { name: 'JSON', encode: (value) => JSON.stringify(value), decode: (bytes) => JSON.parse(bytes as string) as unknown },
];

const row = (id: number): object => ({ id, name: `row ${id}`, at: new Date(id), ok: true, share: id / 3 });
const manyRows = Array.from({ length: 10_000 }, (_, id) => row(id));

/** JSON is left out where it fails or would take minutes; v8 never fails but loses what the name says. */
const CASES: readonly { name: string; value: unknown; json?: false }[] = [
  { name: 'the number 5', value: 5 },
  { name: 'a short string', value: 'hello, world' },
  { name: 'a small object', value: { a: 1, b: 'x' } },
  { name: 'a row with a Date', value: row(1) },
  { name: '10,000 rows with Dates', value: manyRows },
  { name: '10,000 rows, frozen (v8 loses that)', value: manyRows.map((each) => Object.freeze({ ...each })) },
  { name: '100,000 numbers', value: Array.from({ length: 100_000 }, (_, index) => index * 3) },
  {
    name: '5,000 Maps of Maps',
    value: new Map(Array.from({ length: 5_000 }, (_, id) => [id, new Map([[id, new Map()]])])),
    json: false,
  },
  {
    name: '1,000 Errors (v8 loses properties)',
    value: Array.from({ length: 1_000 }, (_, id) => Object.assign(new TypeError(`e${id}`), { id })),
    json: false,
  },
  {
    name: '50 MB Float64Array (v8 decodes a view on its input)',
    value: new Float64Array(6_250_000).fill(1.5),
    json: false,
  },
];

const BUDGET_MS = 400;
const MAX_ROUNDS = 100_000;

/** Best of many: the machine's other work only ever adds. Small values are timed by the hundred. */
function microseconds(work: () => unknown): number {
  const batch = estimateMs(work) < 0.05 ? 100 : 1;
  let best = Infinity;
  const end = performance.now() + BUDGET_MS;
  for (let round = 0; round < MAX_ROUNDS && (round < 3 || performance.now() < end); round++) {
    const start = performance.now();
    for (let count = 0; count < batch; count++) work();
    best = Math.min(best, (performance.now() - start) / batch);
  }
  return best * 1_000;
}

function estimateMs(work: () => unknown): number {
  const start = performance.now();
  for (let count = 0; count < 3; count++) work();
  return (performance.now() - start) / 3;
}

const filter = process.argv[2] ?? '';
const table: Record<string, unknown>[] = [];
for (const { name, value, json } of CASES.filter((each) => each.name.includes(filter))) {
  for (const { name: format, encode, decode } of FORMATS) {
    if (format === 'JSON' && json === false) continue;
    const bytes = encode(value);
    table.push({
      value: name,
      format,
      'encode µs': Number(microseconds(() => encode(value)).toPrecision(3)),
      'decode µs': Number(microseconds(() => decode(bytes)).toPrecision(3)),
      bytes: bytes.length,
    });
  }
}
console.log(`Node.js ${process.version}, ${process.platform} ${process.arch}; best times`);
console.table(table);
