/** Brings images to the nodes without a registry. */
import { run } from './commands.ts';
import { containerdSocket } from './place.ts';

/** @param archives - OCI or Docker archives; the names in them are the images' names */
export async function importImages(node: string, archives: readonly string[]): Promise<void> {
  for (const archive of archives) {
    await run('ctr', ['-a', containerdSocket(node), '-n', 'k8s.io', 'images', 'import', archive]);
  }
}
