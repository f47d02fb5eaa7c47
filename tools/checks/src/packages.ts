/**
 * `npm run check:packages`: packs every public package, installs the tarballs in an empty project and uses them there; also to
 * begin, build and test plugins as a stranger would.
 *
 * The packages must be built. Third-party dependencies are installed from the registry, so this needs the network.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { tell, type Problem } from './problems.ts';
import { checkContents } from './tarballs/check-contents.ts';
import { askVersions, compileAgainst, importEverything, installedFiles, installTarballs } from './tarballs/consumer.ts';
import { checkNewPlugins } from './tarballs/new-plugins.ts';
import { publicProjects, readProjects, ROOT, type Project } from './workspace.ts';

/** What publint finds wrong with an installed package; its suggestions are a matter of taste. */
async function lintManifest({ manifest }: Project, folder: string): Promise<Problem[]> {
  const { messages, pkg } = await publint({
    pkgDir: join(folder, 'node_modules', manifest.name),
    pack: false,
    level: 'warning',
  });
  return messages.map((message) => ({
    where: manifest.name,
    what: formatMessage(message, pkg, { color: false }) ?? message.code,
  }));
}

/** The Node that runs this, and the one that runs npm, which is the user's own and may be as old as we support. */
const nodes = [...new Set([process.execPath, process.env['npm_node_execpath'] ?? process.execPath])];
const projects = publicProjects(readProjects());
const folder = mkdtempSync(join(tmpdir(), 'splitrock-packages-'));
try {
  installTarballs(projects, folder);
  const machinePaths = [...new Set([ROOT, homedir()])];
  tell(
    'contents',
    projects.flatMap(({ manifest: { name } }) => checkContents(name, installedFiles(name, folder), machinePaths)),
  );
  tell('manifests', (await Promise.all(projects.map((project) => lintManifest(project, folder)))).flat());
  tell(
    'imports',
    nodes.flatMap((node) => importEverything(projects, folder, node)),
  );
  tell('types', compileAgainst(projects, folder));
  tell('commands', askVersions(projects, folder));
  tell('new plugins', checkNewPlugins(folder));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
