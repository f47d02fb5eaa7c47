/**
 * `npm run services -- up|down|status [NAME…]`, `npm run services -- stop|start NAME`
 *
 *     up       starts the services (default: all) and keeps them until `down`; prints `KEY=value` lines
 *     stop     takes one away, keeping its data;   start   gives it back at the same address
 *     down     stops them and forgets their data
 *     status   tells which run
 *
 * Tests need none of this: they start what they use, and it ends after them. `up` saves the wait between runs. With
 * `SERVICES_BIND=ADDRESS` the servers listen there as well, for clients elsewhere (pods of a test cluster).
 */
import { command } from './client.ts';
import { SERVICE_NAMES, isServiceName, type ServiceName } from './definition.ts';
import type { Answer } from './protocol.ts';

const USAGE = `usage: services up|down|status [${SERVICE_NAMES.join('|')}]… | services stop|start NAME`;

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

const [verb = '', ...args] = process.argv.slice(2);
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
  case 'status':
    for (const name of names) report(name, await command(name, 'status'));
    break;
  default:
    fail(USAGE);
}
