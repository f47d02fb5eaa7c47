/**
 * The worker's executable: `node main.js --bootstrap fd:N|<path>`, or `--version`, which prints what this worker is. With
 * `--serve` it runs the program that the bootstrap's backend has beside its workers.
 *
 * SIGTERM and SIGINT drain; a second one ends the grace. Exit codes, as in sysexits.h: 0 drained, 64 wrong arguments,
 * 78 a bootstrap, plugin or option that is not what it must be, 69 the call source could not be started, 70 a fault of
 * ours.
 */
import { parseArgs } from 'node:util';
import { isSplitrockError, type Logger } from '@splitrock/core/plugin';
import { composeService, composeWorker } from './bootstrap/compose-worker.ts';
import { jsonLogger } from './bootstrap/json-logger.ts';
import { readBootstrap } from './bootstrap/read-bootstrap.ts';
import { runtimeReport } from './bootstrap/runtime-report.ts';

const EXIT = { usage: 64, unavailable: 69, internal: 70, config: 78 } as const;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let logger = jsonLogger('info', {});
  const asked = readArguments(args);
  if (asked.bootstrap === undefined && asked.version !== true) {
    logger.error('usage: node main.js --bootstrap fd:N|<path> [--serve], or --version');
    return EXIT.usage;
  }
  let program: Program;
  try {
    const runtime = runtimeReport();
    if (asked.bootstrap === undefined) {
      process.stdout.write(`${JSON.stringify(runtime)}\n`);
      return 0;
    }
    const bootstrap = readBootstrap(asked.bootstrap);
    logger = jsonLogger(bootstrap.logLevel, { workerId: bootstrap.workerId });
    program =
      asked.serve === true ? await service(bootstrap, logger, runtime) : await worker(bootstrap, logger, runtime);
  } catch (error) {
    logger.error('worker cannot be set up', { error });
    return isSplitrockError(error) ? EXIT.config : EXIT.internal;
  }
  return run(program, logger);
}

/** What runs until it has ended or is told to. */
interface Program {
  start(): Promise<void>;
  readonly finished: Promise<void>;
  /** Asked for by a signal; the second one is urgent. */
  end(signal: NodeJS.Signals, isUrgent: boolean): void;
}

async function worker(...parts: Parameters<typeof composeWorker>): Promise<Program> {
  const runtime = await composeWorker(...parts);
  return {
    start: () => runtime.start(),
    finished: runtime.finished,
    end: (reason, isUrgent) => void runtime.drain({ reason, ...(isUrgent ? { graceMs: 0 } : {}) }),
  };
}

async function service(...parts: Parameters<typeof composeService>): Promise<Program> {
  const made = await composeService(...parts);
  return { start: () => made.start(), finished: made.finished, end: () => void made.stop() };
}

async function run(program: Program, logger: Logger): Promise<number> {
  let signals = 0;
  const end = (signal: NodeJS.Signals): void => {
    signals += 1;
    program.end(signal, signals > 1);
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  try {
    await program.start();
  } catch (error) {
    logger.error('it cannot be started', { error });
    return EXIT.unavailable;
  }
  await program.finished;
  return 0;
}

interface Arguments {
  readonly bootstrap?: string;
  readonly serve?: boolean;
  readonly version?: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  try {
    const options = {
      bootstrap: { type: 'string' },
      serve: { type: 'boolean' },
      version: { type: 'boolean' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch {
    return {};
  }
}
