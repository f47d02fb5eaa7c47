/**
 * What travels for a function's code: a gzipped ES module and a manifest. The module exports
 *
 *     v        1
 *     sites    factories of functions and classes, by site id
 *     exports  functions that give exports of other modules, by id
 *
 * It is the same for equal code: no values, no paths, no times.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { virtualName, type VirtualModule } from './bundle.ts';
import { emitModule, SITES_EXPORT, type EmittedModule } from './emit.ts';
import type { ModuleExport } from './module-exports.ts';
import type { SitePlan } from './site-plan.ts';

export const ARTIFACT_VERSION = 1;

/** What an artifact is made of, before bundling. */
export interface ArtifactSource {
  /** Module 0 is the entry. */
  readonly modules: readonly VirtualModule[];
  /** The emitted module behind each virtual one; none for the entry. */
  readonly emitted: readonly (EmittedModule | undefined)[];
}

export function artifactSource(sites: Iterable<SitePlan>, exports: ReadonlyMap<string, ModuleExport>): ArtifactSource {
  const byScript = new Map<string, SitePlan[]>();
  for (const plan of sites) {
    const plans = byScript.get(plan.script.id) ?? [];
    plans.push(plan);
    byScript.set(plan.script.id, plans);
  }
  const groups = [...byScript.values()].toSorted((a, b) => (smallestId(a) < smallestId(b) ? -1 : 1));
  const emitted = groups.map((plans) => emitModule((plans[0] as SitePlan).script, plans));
  const modules = emitted.map(({ script, code }) => ({
    code,
    folder: script.file === undefined ? process.cwd() : dirname(script.file),
    file: script.file,
    // vitest's modules are no ES modules to V8, and import CommonJS as Babel does, not as Node does; so esbuild must.
    isModule: script.isModule,
  }));
  const entry = { code: entryCode(emitted.length, exports), folder: process.cwd(), file: undefined, isModule: true };
  return { modules: [entry, ...modules], emitted: [undefined, ...emitted] };
}

const smallestId = (plans: readonly SitePlan[]): string => plans.map(({ id }) => id).reduce((a, b) => (a < b ? a : b));

function entryCode(modules: number, exports: ReadonlyMap<string, ModuleExport>): string {
  const lines: string[] = [];
  for (let index = 1; index <= modules; index += 1) {
    lines.push(`import { ${SITES_EXPORT} as sites${index} } from ${JSON.stringify(virtualName(index))};`);
  }
  const getters = [...exports]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, found], index) => {
      const file = JSON.stringify(found.file);
      if (found.by === 'require') {
        return `${JSON.stringify(id)}: () => require(${file})${found.name === '*' ? '' : `[${JSON.stringify(found.name)}]`}`;
      }
      const imported = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(found.name)
        ? found.name
        : JSON.stringify(found.name);
      lines.push(`import { ${imported} as export${index} } from ${file};`);
      return `${JSON.stringify(id)}: () => export${index}`;
    });
  const tables = Array.from({ length: modules }, (_, index) => `...sites${index + 1}`).join(', ');
  return `${lines.join('\n')}\nexport const v = ${ARTIFACT_VERSION};\nexport const sites = { ${tables} };\nexport const exports = { ${getters.join(', ')} };\n`;
}

export interface Artifact {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

export function packArtifact(code: string): Artifact {
  const bytes = gzipSync(code, { level: 9 });
  // Byte 9 names the operating system; the same code must have the same hash everywhere.
  bytes[9] = 255;
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
