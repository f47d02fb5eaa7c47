/** The worker image in pods that may do as little as a careful cluster lets them. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestNamespace } from './src/namespace.ts';
import { address, surroundings } from './src/surroundings.ts';

let namespace: TestNamespace;
beforeAll(async () => {
  namespace = await TestNamespace.create();
});
afterAll(() => namespace[Symbol.asyncDispose]());

const inNode = (script: string): readonly string[] => ['node', '--input-type=module', '--eval', script];
const plugin = (name: string): string => `/opt/splitrock/worker/node_modules/@splitrock/${name}/index.js`;

describe('a pod of the worker image', () => {
  it('says what it is', async () => {
    const { exitCode, log } = await namespace.run({ name: 'version', args: ['--version'] });
    expect(exitCode).toBe(0);
    expect(JSON.parse(log)).toMatchObject({
      splitrockVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      nodeVersion: surroundings.manifest?.nodeVersion ?? expect.any(String),
      packages: surroundings.manifest?.packages ?? expect.any(Object),
    });
  });

  it('is not root, and writes to /tmp and nowhere else', async () => {
    const script = `
      import { writeFileSync } from 'node:fs';
      import { homedir, tmpdir, userInfo } from 'node:os';
      const write = (path) => { try { writeFileSync(path, ''); return 'written'; } catch (error) { return error.code; } };
      const places = Object.fromEntries(['/', process.cwd() + '/', '/tmp/'].map((folder) => [folder, write(folder + 'x')]));
      console.log(JSON.stringify({ uid: userInfo().uid, home: homedir(), tmp: tmpdir(), places }));`;
    const { log } = await namespace.run({ name: 'rights', command: inNode(script) });
    expect(JSON.parse(log)).toEqual({
      uid: 10001,
      home: '/tmp',
      tmp: '/tmp',
      places: { '/': 'EROFS', '/opt/splitrock/': 'EROFS', '/tmp/': 'written' },
    });
  });

  it('loads functions’ packages, which are the worker’s own', async () => {
    const script = `
      const core = await import('@splitrock/core');
      const { isSplitrockError } = await import('splitrock');
      console.log(isSplitrockError(new core.IllegalStateError('ILLEGAL_STATE', 'x')));`;
    const { log } = await namespace.run({ name: 'packages', command: inNode(script) });
    expect(log).toBe('true\n');
  });

  it('runs a worker as its Secret says, called after its pod', async () => {
    const backend = `
      export const plugin = {
        kind: 'backend', name: 'probe', apiVersion: 1,
        optionsSchema: { safeParseAsync: async (data) => ({ success: true, data }) },
        createBackend() {},
        createCallSource: ({ greeting }, { workerId, tenant, runtime }) => ({
          async start(receiver) {
            console.log(JSON.stringify({ greeting, workerId, tenant, packages: runtime.packages }));
            receiver.shutdown({ graceMs: 0, reason: 'it was only a probe' });
          },
          setCapacity() {}, async flush() {}, async stop() {},
        }),
      };`;
    const module = `data:text/javascript,${encodeURIComponent(backend)}`;
    const { exitCode, log } = await namespace.run({
      name: 'worker-1',
      file: {
        version: 1,
        tenant: 'e2e',
        backend: { module, name: 'probe', options: { greeting: 'a secret word' } },
        storage: {
          module: '@splitrock/storage-redis',
          name: 'redis',
          options: { url: address('SPLITROCK_TEST_REDIS_URL') },
        },
        monitoring: { module: '@splitrock/monitoring-storage', name: 'storage', options: {} },
        slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process' },
        logLevel: 'warn',
      },
    });
    expect({ exitCode, log: exitCode === 0 ? '' : log }).toEqual({ exitCode: 0, log: '' });
    expect(JSON.parse(log.trim().split('\n')[0] ?? '')).toMatchObject({
      greeting: 'a secret word',
      workerId: 'worker-1',
      tenant: 'e2e',
      packages: { splitrock: expect.any(String) },
    });
  });

  it('reaches Redis and S3 through the storages that it has', async () => {
    const script = `
      import { readFileSync } from 'node:fs';
      const { bucket, redis, s3 } = JSON.parse(readFileSync('/etc/splitrock/bootstrap.json', 'utf8'));
      const { silentLogger: logger, systemClock: clock } = await import('@splitrock/core/plugin');
      for (const [module, options] of [['${plugin('storage-redis')}', redis], ['${plugin('storage-s3')}', s3]]) {
        const { plugin } = await import(module);
        const storage = await plugin.createStorage(plugin.optionsSchema.parse(options), { logger, clock });
        await storage.put('e2e/greeting', Buffer.from('hello from a pod'));
        console.log(plugin.name, Buffer.from(await storage.get('e2e/greeting')).toString());
        await storage.close();
      }`;
    const endpoint = address('SPLITROCK_TEST_S3_ENDPOINT');
    const accessKeyId = address('SPLITROCK_TEST_S3_ACCESS_KEY_ID');
    const secretAccessKey = address('SPLITROCK_TEST_S3_SECRET_ACCESS_KEY');
    const bucket = await makeBucket({ endpoint, accessKeyId, secretAccessKey });
    const file = {
      redis: { url: address('SPLITROCK_TEST_REDIS_URL') },
      s3: { bucket, endpoint, accessKeyId, secretAccessKey },
    };
    const { log } = await namespace.run({ name: 'storages', command: inNode(script), file });
    expect(log).toBe('redis hello from a pod\ns3 hello from a pod\n');
  });

  it('reaches RabbitMQ', async () => {
    // A broker answers the protocol's header by a frame of type 1, method 10.10: Connection.Start.
    const script = `
      import { connect } from 'node:net';
      const { hostname, port } = new URL(JSON.parse((await import('node:fs')).readFileSync('/etc/splitrock/bootstrap.json', 'utf8')));
      const socket = connect(Number(port), hostname, () => socket.write(Buffer.from('AMQP\\0\\0\\x09\\x01', 'latin1')));
      socket.once('data', (frame) => { console.log(frame[0], frame.readUInt16BE(7), frame.readUInt16BE(9)); socket.destroy(); });`;
    const file = address('SPLITROCK_TEST_AMQP_URL');
    const { log } = await namespace.run({ name: 'broker', command: inNode(script), file });
    expect(log).toBe('1 10 10\n');
  });
});

async function makeBucket(store: {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}): Promise<string> {
  const { endpoint, ...credentials } = store;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  try {
    await client.send(new CreateBucketCommand({ Bucket: namespace.name }));
  } finally {
    client.destroy();
  }
  return namespace.name;
}
