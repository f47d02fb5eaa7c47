/** Options of an executor: the configuration's keys, and what only code can say. */
import type { ConfigInput } from '../config/config-schema.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';

export interface ExecutorOptions extends ConfigInput {
  /**
   * Whether {@link FunctionExecutor.dispose} removes what this executor's jobs left in storage. Detached jobs are kept
   * in any case. @defaultValue true
   */
  readonly cleanOnDispose?: boolean;
  /**
   * Limit of what one function captures, encoded, in bytes: more is refused with `SHIP_TOO_BIG`. From 1 MiB on there is a
   * warning. @defaultValue 67_108_864, 64 MiB
   */
  readonly maxCapturedBytes?: number;
  /** Where the executor and its plugins log. @defaultValue JSON lines on standard error, from `logLevel` on */
  readonly logger?: Logger;
  /** Folder where the search for the project's configuration begins. @defaultValue the working directory */
  readonly cwd?: string;
  /** @internal Modules whose packages may bring plugins; the `splitrock` package passes its own URL. */
  readonly resolveFrom?: readonly (URL | string)[];
  /** @internal Time, for tests. */
  readonly clock?: Clock;
}
