/**
 * S3 by Ceph's gateway (`radosgw`) over a cluster of one monitor and one OSD, all on this machine.
 *
 * What is not obvious: no authentication between the daemons; the OSD is placed in the map once, by hand (updating itself
 * at its start it sometimes dies of "wrong fsid"); `tcp_nodelay`, else a GET costs 44 ms; a short watch timeout, else
 * whoever makes or removes a bucket waits half a minute for a gateway that was killed.
 * https://docs.ceph.com/en/pacific/install/manual-deployment/
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon, firstEnd, freePorts } from './daemon.ts';
import type { RunningService, ServiceDefinition, ServicePlace } from './definition.ts';
import { rememberedPorts } from './remembered-ports.ts';

const run = promisify(execFile);
const ACCESS_KEY = 'splitrock';
const SECRET_KEY = 'splitrock-secret';

interface Cluster {
  readonly folder: string;
  readonly config: string;
  readonly monitorPort: number;
  readonly gatewayPort: number;
  readonly bind: string | undefined;
}

function configText({ folder, monitorPort }: Cluster, fsid: string): string {
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monitorPort}
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
osd class update on start = false
osd crush update on start = false
osd objectstore = bluestore
bluestore block size = 21474836480
osd memory target = 939524096
osd client watch timeout = 3
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
mon osd full ratio = 0.99
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/run/$name.log
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw data = ${folder}/rgw
rgw thread pool size = 32
ms bind ipv6 = false
`;
}

/** The files that a cluster begins with; made once. */
async function prepare(cluster: Cluster): Promise<void> {
  const { folder, config, monitorPort } = cluster;
  for (const name of ['mon', 'osd', 'rgw', 'run']) {
    await rm(join(folder, name), { recursive: true, force: true });
    await mkdir(join(folder, name), { recursive: true });
  }
  const fsid = randomUUID();
  await writeFile(config, configText(cluster, fsid));
  const map = join(folder, 'monmap');
  await run('monmaptool', [
    '--create',
    '--clobber',
    '--fsid',
    fsid,
    '--addv',
    'a',
    `[v1:127.0.0.1:${monitorPort}]`,
    map,
  ]);
  await run('ceph-mon', ['-c', config, '-i', 'a', '--mkfs', '--monmap', map]);
}

async function start({ folder, bind }: ServicePlace): Promise<RunningService> {
  const [gatewayPort = 0, monitorPort = 0] = await rememberedPorts(folder, 2);
  const cluster: Cluster = { folder, config: join(folder, 'ceph.conf'), gatewayPort, monitorPort, bind };
  const { config } = cluster;
  const readyFile = join(folder, 'ready');
  const isNew = !existsSync(readyFile);
  if (isNew) await prepare(cluster);

  const daemon = (name: string, ...args: string[]): Daemon =>
    new Daemon({ name, folder, command: name, args: ['-c', config, ...args, '-f'] });
  const monitor = daemon('ceph-mon', '-i', 'a');
  if (isNew) await addOsd(config, monitor);
  const osd = daemon('ceph-osd', '-i', '0');
  if (isNew) {
    await osd.until(() => createUser(config), 240_000);
    await writeFile(readyFile, '');
  }
  const gateway = await startGateway({ config, port: gatewayPort, bind });
  const host = bind ?? '127.0.0.1';
  return {
    environment: {
      SPLITROCK_TEST_S3_ENDPOINT: `http://${host}:${gatewayPort}`,
      SPLITROCK_TEST_S3_ACCESS_KEY_ID: ACCESS_KEY,
      SPLITROCK_TEST_S3_SECRET_ACCESS_KEY: SECRET_KEY,
      SPLITROCK_TEST_CEPH_CONFIG: config,
    },
    failed: firstEnd([monitor, osd, gateway]),
    async stop() {
      for (const each of [gateway, osd, monitor]) await each.stop();
    },
  };
}

async function addOsd(config: string, monitor: Daemon): Promise<void> {
  const uuid = randomUUID();
  const ceph = (...args: string[]): Promise<unknown> => run('ceph', ['-c', config, '--connect-timeout', '5', ...args]);
  // Repeated, as both may be: a monitor that has just started refuses commands now and then.
  await monitor.until(() => succeeds(ceph('osd', 'new', uuid)), 180_000);
  await monitor.until(() => succeeds(ceph('osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=a')), 180_000);
  await run('ceph-osd', ['-c', config, '-i', '0', '--mkfs', '--osd-uuid', uuid]);
}

function createUser(config: string): Promise<boolean> {
  const user = [
    '--uid=splitrock',
    '--display-name=splitrock',
    `--access-key=${ACCESS_KEY}`,
    `--secret-key=${SECRET_KEY}`,
  ];
  return succeeds(run('radosgw-admin', ['-c', config, 'user', 'create', ...user], { timeout: 60_000 }));
}

const succeeds = (action: Promise<unknown>): Promise<boolean> =>
  action.then(
    () => true,
    () => false,
  );

export interface GatewayOptions {
  /** The cluster's `ceph.conf`. */
  readonly config: string;
  /** @defaultValue a free one */
  readonly port?: number;
  readonly bind?: string | undefined;
}

/** A gateway of a running cluster; a second one, on another port, is for tests that kill it. */
export async function startGateway(options: GatewayOptions): Promise<Daemon & { readonly endpoint: string }> {
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  const folder = /^run dir = (.*)$/m.exec(await readFile(options.config, 'utf8'))?.[1] as string;
  const endpoints = ['127.0.0.1', ...(options.bind === undefined ? [] : [options.bind])];
  const frontends = `beast ${endpoints.map((host) => `endpoint=${host}:${port}`).join(' ')} tcp_nodelay=1`;
  const daemon = new Daemon({
    name: `radosgw-${port}`,
    folder,
    command: 'radosgw',
    args: ['-c', options.config, '-n', `client.rgw-${port}`, `--rgw-frontends=${frontends}`, '-f'],
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await daemon.until(() => answers(endpoint), 180_000);
  return Object.assign(daemon, { endpoint });
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.ok;
    },
    () => false,
  );

export const s3: ServiceDefinition = {
  name: 's3',
  variables: ['SPLITROCK_TEST_S3_ENDPOINT', 'SPLITROCK_TEST_S3_ACCESS_KEY_ID', 'SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'],
  programs: ['monmaptool', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph'],
  packages: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
  start,
};
