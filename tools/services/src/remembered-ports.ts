import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from './daemon.ts';

/** Free ports, and the same ones again when the service is started again in its folder: clients reconnect to them. */
export async function rememberedPorts(folder: string, count: number): Promise<number[]> {
  const file = join(folder, 'ports.json');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as number[];
  const ports = await freePorts(count);
  await writeFile(file, JSON.stringify(ports));
  return ports;
}
