/** esbuild's complaints as refusals: what is wrong with the function's imports, and what to do. */
import type { BuildFailure, Message } from 'esbuild';
import { ShipProblem } from './ship-errors.ts';

/** Of modules that exist only for the bundler. */
export const NAMESPACE = 'splitrock';

/** What a failed build means to the user. */
export function translateFailure(error: unknown): ShipProblem {
  const errors = (error as Partial<BuildFailure>).errors ?? [];
  const [first] = errors;
  if (first === undefined) {
    return new ShipProblem(
      'SHIP_NO_BUNDLER',
      `esbuild cannot run (${error instanceof Error ? error.message : String(error)})`,
      { cause: error },
    );
  }
  if (first.detail instanceof ShipProblem) return first.detail;
  const [, file, name] = /^No matching export in "(.*)" for import "(.*)"/.exec(first.text) ?? [];
  if (file !== undefined && name !== undefined) return missingExport(file, name);
  const unresolved = /^Could not resolve "(.*)"/.exec(first.text)?.[1];
  const importer = first.location?.file ?? '';
  const from =
    importer === '' || importer.startsWith(`${NAMESPACE}:`) ? '' : ` (from ${importer}:${first.location?.line ?? 0})`;
  if (unresolved !== undefined)
    return new ShipProblem('SHIP_IMPORT_UNRESOLVED', `its import \`${unresolved}\`${from} cannot be found`, {
      cause: error,
    });
  if (/No loader is configured for "\.node"/.test(first.text))
    return new ShipProblem('SHIP_NATIVE_ADDON', `it imports native code${from}`, { cause: error });
  return new ShipProblem('SHIP_IMPORT_UNRESOLVED', `its code cannot be bundled: ${describeMessage(first)}`, {
    remedy: 'Correct the file that is named, or leave its package to the runtime with `external`.',
    cause: error,
  });
}

export const missingExport = (file: string, name: string): ShipProblem =>
  new ShipProblem('SHIP_IMPORT_UNRESOLVED', `\`${file}\` exports no \`${name}\``, {
    remedy: 'Export it there, or correct the name.',
  });

export const describeMessage = ({ text, location }: Message): string =>
  location === null || location.file.startsWith(NAMESPACE) ? text : `${text} (${location.file}:${location.line})`;

export const noBundler = (cause: unknown): ShipProblem =>
  new ShipProblem('SHIP_NO_BUNDLER', 'its code is bundled with esbuild, which cannot be loaded here', { cause });
