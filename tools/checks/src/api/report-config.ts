/** How the public surface of a package becomes one reviewable text file per entry point. */
import { basename, join } from 'node:path';
import { ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { entryPointsOf } from './entry-points.ts';
import { ROOT, type Project } from '../workspace.ts';

export interface ApiReport {
  readonly project: Project;
  /** `@splitrock/core/plugin` */
  readonly entryPoint: string;
  /** `core-plugin`; the file is `packages/core/etc/core-plugin.api.md`. */
  readonly name: string;
  readonly path: string;
  /** The built declarations, absolute. */
  readonly types: string;
}

const { None } = ExtractorLogLevel;

/** One report per entry point that is imported; a program has no API. */
export function apiReportsOf(project: Project): ApiReport[] {
  const { folder, manifest } = project;
  const imported = entryPointsOf(manifest).filter(({ isProgram }) => !isProgram);
  return imported.map(({ subpath, types }) => {
    const segments = subpath.split('/').slice(1);
    const name = [basename(folder), ...segments].join('-');
    return {
      project,
      entryPoint: [manifest.name, ...segments].join('/'),
      name,
      path: `${folder}/etc/${name}.api.md`,
      types: join(ROOT, folder, types),
    };
  });
}

/** The extractor's configuration for one report; what it makes on the way goes to the temporary folder. */
export function extractorConfig({ project, name, types }: ApiReport, tempFolder: string): ExtractorConfig {
  const folder = join(ROOT, project.folder);
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: { extends: join(ROOT, 'tsconfig.base.json'), include: [types] },
        skipLibCheck: true,
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(folder, 'etc'),
        reportTempFolder: join(tempFolder, project.folder),
        // A type that is not exported can still be part of what is: show it.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: None },
          'ae-wrong-input-file-type': { logLevel: ExtractorLogLevel.Error },
        },
        tsdocMessageReporting: { default: { logLevel: None } },
      },
    },
  });
}
