/**
 * `npm run cluster -- COMMAND`: a real Kubernetes on this machine, by hand.
 *
 *     build                        installs and builds what it takes; once, about seven minutes on two cores
 *     up [NAME:CPUS:MEMORY …]      starts it, with these nodes, and prints its kubeconfig's path
 *     load ARCHIVE…                brings image archives to every node
 *     kill-node NAME               takes a node away, as a power cut does
 *     start-node NAME[:CPUS:MEM]   gives it back, or adds one
 *     api-stop, api-start          takes the API server away and gives it back
 *     status                       tells what runs
 *     down                         stops everything and removes all but what was built
 */
import { stopApi } from './control-plane.ts';
import { build } from './build.ts';
import { down, load, nodeNamed, startNodeAgain, status, up, startApiAgain } from './machine-cluster.ts';
import { DEFAULT_NODES, parseNodeSpec, parseNodeSpecs } from './node-spec.ts';
import { killNode } from './node.ts';
import { POD_GATEWAY, kubeconfigFile } from './place.ts';

const USAGE =
  'usage: cluster build | up [NAME:CPUS:MEMORY …] | load ARCHIVE… | kill-node NAME | start-node NAME[:CPUS:MEMORY] | api-stop | api-start | status | down';

/** Each command with how many arguments it takes. */
const COMMANDS: Readonly<Record<string, { readonly args: [number, number]; run(args: string[]): Promise<void> }>> = {
  build: { args: [0, 0], run: build },
  up: { args: [0, Infinity], run: upAndTell },
  load: { args: [1, Infinity], run: load },
  'kill-node': { args: [1, 1], run: async ([name = '']) => killNode(await nodeNamed(name)) },
  'start-node': { args: [1, 1], run: ([node = '']) => startNodeAgain(node.includes(':') ? parseNodeSpec(node) : node) },
  'api-stop': { args: [0, 0], run: stopApi },
  'api-start': { args: [0, 0], run: startApiAgain },
  status: { args: [0, 0], run: async () => console.log((await status()).join('\n')) },
  down: { args: [0, 0], run: down },
};

async function upAndTell(args: string[]): Promise<void> {
  await build();
  await up(args.length === 0 ? DEFAULT_NODES : parseNodeSpecs(args.join(' ')));
  console.error(`cluster: services that listen on ${POD_GATEWAY} are reached from pods`);
  console.log(kubeconfigFile);
}

async function main(): Promise<number> {
  const [verb = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb] : undefined;
  if (command === undefined || args.length < command.args[0] || args.length > command.args[1]) {
    console.error(USAGE);
    return 2;
  }
  try {
    await command.run(args);
    return 0;
  } catch (error) {
    console.error(`cluster: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

process.exitCode = await main();
