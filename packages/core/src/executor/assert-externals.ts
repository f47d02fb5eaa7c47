/** The check, before anything is submitted, that workers have the packages that a function leaves to them. */
import type { Backend } from '../contracts/backend.ts';
import { BackendError } from '../errors/splitrock-error.ts';
import { checkExternals } from '../functions/externals.ts';
import type { ShippedFunction } from '../functions/ship-function.ts';
import { abortable } from '../storage-support/abortable.ts';

/**
 * Waits for what a worker tells of its packages. A job that is cancelled meanwhile is not checked: none of it will run.
 * @throws BackendError `BACKEND_CANNOT_RUN` naming every package that the workers' runtime lacks.
 */
export async function assertExternals(
  { name, externals }: Pick<ShippedFunction, 'name' | 'externals'>,
  backend: Backend,
  signal: AbortSignal,
): Promise<void> {
  if (Object.keys(externals).length === 0 || signal.aborted) return;
  const asked = abortable(backend.runtime({ signal }), signal);
  const runtime = await asked.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  if (runtime === undefined) return;
  const problems = checkExternals(externals, runtime);
  if (problems.length === 0) return;
  throw new BackendError(
    'BACKEND_CANNOT_RUN',
    `Workers cannot run ${name}: ${problems.map(({ message }) => message).join(' ')}`,
    { details: { problems } },
  );
}
