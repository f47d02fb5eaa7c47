/**
 * `npm run services -- up|down|status [NAME…]`, `npm run services -- stop|start NAME`, `cli.ts run NAME… -- COMMAND…`
 *
 *     up       starts the services (default: all) and keeps them until `down`; prints `KEY=value` lines
 *     stop     takes one away, keeping its data;   start   gives it back at the same address
 *     down     stops them and forgets their data
 *     status   tells which run
 *     run      runs a command, and meanwhile keeps those of the services that can be had, for whoever in it asks
 *
 * Tests need none of this: they start what they use, and it ends after them. `up` saves the wait between runs. With
 * `SERVICES_BIND=ADDRESS` the servers listen there as well, for clients elsewhere (pods of a test cluster).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { command, leaseService, whyUnavailable } from './client.ts';
import { SERVICE_NAMES, isServiceName, type ServiceName } from './definition.ts';
import type { Answer } from './protocol.ts';

const USAGE = `usage: services up|down|status [${SERVICE_NAMES.join('|')}]… | stop|start NAME | run NAME… -- COMMAND…`;

function fail(problem: string): never {
  console.error(problem);
  process.exit(1);
}

function namesOf(args: readonly string[]): readonly ServiceName[] {
  const unknown = args.find((name) => !isServiceName(name));
  if (unknown !== undefined) fail(`no such service: ${unknown}\n${USAGE}`);
  return args.length === 0 ? SERVICE_NAMES : args.filter(isServiceName);
}

function report(name: ServiceName, answer: Answer): void {
  if ('error' in answer) fail(`${name}: ${answer.error}`);
  if ('stopped' in answer) console.error(`${name}: not running`);
  else for (const [key, value] of Object.entries(answer.environment)) console.log(`${key}=${value}`);
}

/** The command does not wait for them: what can be tested without is tested meanwhile. @returns its exit code. */
async function runBeside(
  leased: readonly ServiceName[],
  [program, ...programArgs]: readonly string[],
): Promise<number> {
  if (program === undefined) fail(USAGE);
  for (const name of leased) {
    // Whoever asks for one that cannot be had is told why.
    if (whyUnavailable(name) === undefined) leaseService(name).catch(() => undefined);
  }
  const child = spawn(program, programArgs, { stdio: 'inherit' });
  // From a terminal it has them, too; it is waited for.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
}

const [verb = '', ...words] = process.argv.slice(2);
const split = words.includes('--') ? words.indexOf('--') : words.length;
const args = words.slice(0, split);
const names = namesOf(args);
if ((verb === 'stop' || verb === 'start') && args.length !== 1) fail(USAGE);
switch (verb) {
  case 'up':
  case 'start': {
    const answers = await Promise.all(names.map((name) => command(name, 'hold')));
    for (const [index, name] of names.entries()) report(name, answers[index] ?? { stopped: true });
    break;
  }
  case 'stop':
  case 'down':
    await Promise.all(names.map((name) => command(name, verb)));
    break;
  case 'run':
    process.exit(await runBeside(names, words.slice(split + 1)));
    break;
  case 'status':
    for (const name of names) report(name, await command(name, 'status'));
    break;
  default:
    fail(USAGE);
}
