import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TcpGate } from './tcp-gate.ts';

let echo: Server;
let gate: TcpGate;

beforeEach(async () => {
  echo = createServer((socket) => socket.pipe(socket).on('error', () => undefined));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  gate = await TcpGate.before(`amqp://me:secret@127.0.0.1:${(echo.address() as AddressInfo).port}/host`);
});
afterEach(async () => {
  await gate.shut();
  echo.close();
});

const open = () => connect(Number(new URL(gate.url).port), '127.0.0.1');

async function answerOf(socket: ReturnType<typeof open>): Promise<string> {
  socket.write('hello');
  return String((await once(socket, 'data'))[0]);
}

it('leads to the service, whose address it keeps but for the port', async () => {
  expect(gate.url).toMatch(/^amqp:\/\/me:secret@127\.0\.0\.1:\d+\/host$/);
  const socket = open();
  expect(await answerOf(socket)).toBe('hello');
  socket.destroy();
});

it('cuts connections and refuses new ones while it is shut, and leads there again', async () => {
  const socket = open().on('error', () => undefined);
  await answerOf(socket);
  const [closed] = await Promise.all([once(socket, 'close'), gate.shut()]);
  expect(closed).toBeDefined();
  const [refused] = (await once(open(), 'error')) as [NodeJS.ErrnoException];
  expect(refused.code).toBe('ECONNREFUSED');
  await gate.open();
  const again = open();
  expect(await answerOf(again)).toBe('hello');
  again.destroy();
});
