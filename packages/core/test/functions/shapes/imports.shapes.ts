import { createHash } from 'node:crypto';
import * as path from 'node:path';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createServer } from 'node:net';
import { z } from 'zod';
import tiny, { Client, PackageStack, chunk, createClient, kit, upper } from 'tiny-esm';
import * as tinyNamespace from 'tiny-esm';
import tinyCjs from 'tiny-cjs';
import { hash } from 'tiny-native';
import { refusal, shape, unlessBundled, type Shape } from './shape.ts';
import origin, { isPoint, Point, scale, UNIT, Vault } from './lib/geometry.ts';
import * as geometry from './lib/geometry.ts';
import { label, labelOf } from './lib/labels.ts';
import { makeAdder, makeHidden, NotFoundError, table } from './lib/makers.ts';

const schema = z.object({ id: z.number(), tags: z.array(z.string()).default([]) });
const nested = z.object({ inner: schema });
const options = { region: 'here' };
const client = new Client(options);
const madeClient = createClient({ region: 'there' });
const schemas = { user: z.object({ id: z.number() }), byName: { tag: z.string() }, uses: 0 };
schemas.uses = 3;
const replaced = { only: z.object({ id: z.number() }) };
replaced.only = z.object({ id: z.number() });
const labelled = label({ id: 1 }, 'made again');
const collator = new Intl.Collator('de');
const encoder = new TextEncoder();
const hasher = createHash('sha256');
const up = kit.upperFirst;
const squareRoot = Math.sqrt;
const { max: largest, PI } = Math;

export const imports: Shape[] = [
  shape('32 Math.sqrt itself', 16, (ship) => ship(Math.sqrt)),
  shape('33 aliased built-ins', 16, (ship) =>
    ship((x: number) => [squareRoot(x), largest(1, x), PI, Array.prototype.slice.call([1, 2, 3], 1)]),
  ),
  shape('33b built-ins in data', 16, (ship) => {
    const table = { floor: Math.floor, parse: JSON.parse, slice: Array.prototype.slice, Map, log: console.log };
    ship((x: number) => [
      table.floor(x / 3),
      table.parse('[1]'),
      table.slice.call('abc', 1),
      new table.Map().size,
      table.log === console.log,
    ]);
  }),
  shape('34, 72 node: imports, named and namespace', 'a/b', (ship) =>
    ship((x: string) => [path.basename(x), typeof readFileSync, createHash('md5').update(x).digest('hex')]),
  ),
  shape('node: functions in data', 'a/b', (ship) => {
    const tools = { join: path.join, readFileSync };
    ship((x: string) => [tools.join(x, 'c'), tools.readFileSync === readFileSync]);
  }),
  shape('35 npm ESM, named', [1, 2, 3], (ship) => ship((x: number[]) => chunk(x, 2))),
  shape('36 npm ESM, namespace', [1, 2, 3], (ship) => ship((x: number[]) => tinyNamespace.chunk(x, 2))),
  shape('37 npm CommonJS, default', 3, (ship) => ship((x: number) => [tinyCjs(x), tinyCjs.twice(x), tinyCjs.version])),
  shape('npm ESM, default', 3, (ship) => ship((x: number) => tiny(x))),
  shape('an imported function itself', 'text', (ship) => ship(upper)),
  shape('imported functions in data', [1, 2, 3], (ship) => {
    const tools = { chunk, list: [upper] };
    ship((x: number[]) => [tools.chunk(x, 2), tools.list[0]?.('a'), tools.chunk === chunk]);
  }),
  shape('an instance of an exported package class', 1, (ship) => {
    const stack = new PackageStack<number>().push(1);
    ship((x: number) => [stack.push(x).items, stack instanceof PackageStack]);
  }),
  shape('38 zod used inside', { id: 1 }, (ship) => ship((x: unknown) => z.object({ id: z.number() }).parse(x))),
  shape('39 module-level zod schema', { id: 1, tags: ['a'] }, (ship) => ship((x: unknown) => schema.parse(x))),
  shape('39b module-level schema made of another', { inner: { id: 1 } }, (ship) =>
    ship((x: unknown) => [nested.safeParse(x).success, nested.safeParse({}).success]),
  ),
  shape('39c schemas in an object, with what was changed beside them', { id: 1 }, (ship) =>
    ship((x: unknown) => [schemas.user.parse(x), schemas.byName.tag.safeParse(x).success, schemas.uses]),
  ),
  unlessBundled(
    'travels',
    refusal('39d a schema in an object that was replaced there', 'SHIP_PACKAGE_INTERNAL', (ship) =>
      ship((x: unknown) => replaced.only.safeParse(x).success),
    ),
  ),
  unlessBundled(
    'travels',
    refusal('40 zod schema in a local', 'SHIP_PACKAGE_INTERNAL', (ship) => {
      const local = z.object({ id: z.number() });
      ship((x: unknown) => local.safeParse(x).success);
    }),
  ),
  shape('41 own modules: named, default, namespace', 2, (ship) =>
    ship((x: number) => [UNIT, origin().norm(), scale(new Point(3, 4), x).norm(), geometry.UNIT]),
  ),
  shape('42 instance of an imported class, instanceof', 2, (ship) => {
    const point = new Point(3, 4);
    ship(() => [point.norm(), point instanceof Point, isPoint(point), point instanceof geometry.Point]);
  }),
  shape('43 closure made in another module', 2, (ship) => {
    const add = makeAdder(40);
    ship((x: number) => add(x));
  }),
  shape('43b an unexported function of another module', 2, (ship) => {
    const hidden = makeHidden();
    ship((x: number) => [hidden(x), table.hidden(x), table.double(x)]);
  }),
  refusal('44 instance of an imported class with #private', 'SHIP_PRIVATE_INSTANCE', (ship) => {
    const vault = new Vault();
    ship(() => vault.open());
  }),
  shape('63 a member of an import', 'abc', (ship) => ship((x: string) => up(x))),
  shape('71 module-level createHash()', 'abc', (ship) => ship((x: string) => hasher.copy().update(x).digest('hex'))),
  refusal('44b an object onto which an imported class put its #private', 'SHIP_PRIVATE_INSTANCE', (ship) => {
    const list = [label([1, 2], 'lost')];
    ship(() => list.map(labelOf));
  }),
  unlessBundled(
    'SHIP_PRIVATE_INSTANCE',
    shape('44c the same in a module-level const, made again', 1, (ship) =>
      ship(() => [labelled.id, labelOf(labelled)]),
    ),
  ),
  unlessBundled(
    'SHIP_PRIVATE_INSTANCE',
    shape('module-level client, made again', 2, (ship) =>
      ship((x: number) => [client.send(x), client.known, client.options, madeClient.send(x)]),
    ),
  ),
  shape('module-level Intl and TextEncoder objects, made again', 'ä', (ship) =>
    ship((x: string) => [collator.compare(x, 'z'), [...encoder.encode(x)]]),
  ),
  shape('results and errors keep the classes of the client', 2, (ship) =>
    ship((x: number) => ({ point: scale(new Point(1, 1), x), list: [new Point(0, x)] })),
  ),
  shape('a thrown error keeps its class', 'thing', (ship) =>
    ship((x: string) => {
      throw new NotFoundError(x);
    }),
  ),
  shape('inputs keep their class, named by the function', new Point(6, 8), (ship) =>
    ship((point: Point) => [point.norm(), point instanceof Point]),
  ),
  refusal('socket captured', 'SHIP_HANDLE', (ship) => {
    const server = createServer();
    ship(() => server.listening);
  }),
  refusal('stream captured', 'SHIP_STREAM', (ship) => {
    const stream = Readable.from(['a']);
    ship(() => stream.readable);
  }),
  refusal('hash captured in a local', 'SHIP_STREAM', (ship) => {
    const local = createHash('sha256');
    ship(() => local.digest('hex'));
  }),
  refusal('a native addon', 'SHIP_NATIVE_ADDON', (ship) => ship(() => hash())),
  refusal('an import that is not there', 'SHIP_IMPORT_UNRESOLVED', (ship) => {
    // @ts-expect-error it is not there
    ship(async () => import('not-installed-anywhere'));
  }),
];
