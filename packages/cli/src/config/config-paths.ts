/** `splitrock config path`. */
import { configFilePlaces } from '@splitrock/core';
import { homedir } from 'node:os';
import { environmentOf, type CliContext, type CommonOptions } from '../cli-context.ts';

export function listConfigPaths(context: CliContext, options: CommonOptions): void {
  const { output, cwd } = context;
  const { places } = configFilePlaces({ cwd, env: environmentOf(context, options), home: homedir() });
  if (options.json === true) {
    output.json(places);
    return;
  }
  output.table(
    ['LAYER', 'FILE', 'FOUND'],
    places.map(({ layer, file, exists }) => [layer, file, exists ? 'yes' : 'no']),
  );
}
