/** A broker of one's own, for tests that stop it: the same server, another scope. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../../tools/services/src/cli.ts', import.meta.url));

export class OwnBroker {
  readonly url: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(url: string, environment: NodeJS.ProcessEnv) {
    this.url = url;
    this.#environment = environment;
  }

  static async start(): Promise<OwnBroker> {
    const { SPLITROCK_TEST_AMQP_URL: _shared, ...inherited } = process.env;
    const environment = { ...inherited, SERVICES_SCOPE: `queue-${process.pid}` };
    const output = await services('up', environment);
    return new OwnBroker(/^SPLITROCK_TEST_AMQP_URL=(.*)$/m.exec(output)?.[1] ?? '', environment);
  }

  /** Its data stay. */
  async stop(): Promise<void> {
    await services('stop', this.#environment);
  }

  /** At the same address. */
  async startAgain(): Promise<void> {
    await services('start', this.#environment);
  }

  async remove(): Promise<void> {
    await services('down', this.#environment);
  }
}

const services = async (command: string, env: NodeJS.ProcessEnv): Promise<string> =>
  (await run(process.execPath, [CLI, command, 'rabbitmq'], { env })).stdout.trim();
