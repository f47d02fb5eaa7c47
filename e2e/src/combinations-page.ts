/** docs/combinations.md: what combines with what, from the combinations that the matrix passed. */
import { format } from 'prettier';
import { BACKENDS, MONITORINGS, STORAGES, type Combination } from './combinations.ts';

const HEAD = `<!-- Written by e2e/matrix.e2e.test.ts from the combinations that pass; \`npm run e2e -- matrix -u\`. -->

# What combines with what

Backend, storage and monitoring are chosen by configuration, each by itself. One program
([e2e/programs/tour.ts](../e2e/programs/tour.ts)) runs on every combination below: map, map-reduce by key, a data set in parts, logs,
retries, a large value, cancellation. "–" means that the workers cannot reach that storage: local files are seen by
processes of the same machine only. The storage \`memory\` lives in one process and serves tests.
`;

export function combinationsPage(passed: ReadonlySet<Combination>): Promise<string> {
  const titles = STORAGES.map(({ name }) => `storage \`${name}\``);
  const rows = BACKENDS.map((backend) => {
    const cells = STORAGES.map((storage) => {
      if (!backend.storages.includes(storage.name)) return '–';
      const monitorings = MONITORINGS.filter((monitoring) =>
        [...passed].some(
          (each) => each.backend === backend && each.storage === storage && each.monitoring === monitoring,
        ),
      );
      return monitorings.map(({ name }) => `\`${name}\``).join(', ') || 'none';
    });
    return [backend.title, ...cells];
  });
  const table = [['backend', ...titles], ['backend', ...titles].map(() => '---'), ...rows];
  const lines = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const text = `${HEAD}\nThe cells name the monitorings that pass.\n\n${lines}\n`;
  return format(text, { parser: 'markdown', printWidth: 120 });
}
