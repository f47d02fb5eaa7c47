/** `…/pods/NAME:PORT/proxy/PATH`: the API server hands the request on to a port of the pod, and its answer back. */
import { request as send, type IncomingHttpHeaders } from 'node:http';
import { ApiError, badRequest } from '../api-error.ts';
import type { ObjectKey } from '../objects/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Exchange } from './exchange.ts';

/** What concerns one connection only, and what let the request in here, which is nobody else's business. */
const NOT_HANDED_ON = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'authorization']);

/** @param target - The pod's name, with the port that is meant: `name:8080`. @param path - What is asked of the pod. */
export async function proxyToPod(
  exchange: Exchange,
  registry: Registry,
  { namespace, name: target }: ObjectKey,
  path: string,
): Promise<void> {
  const [name = '', port = '80', scheme] = target.split(':');
  if (scheme !== undefined || !/^[0-9]+$/.test(port)) throw badRequest(`invalid pod request "${target}"`);
  const { podIP } = registry.get('pods', { namespace, name }).status;
  if (podIP === undefined) throw badRequest('address not allowed');
  const { request, response, method, query } = exchange;
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  await new Promise<void>((resolve, reject) => {
    const onward = send(
      { host: podIP, port, method, path: `/${path}${search}`, headers: handedOn(request.headers) },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, handedOn(answer.headers));
        answer.pipe(response);
        answer.on('error', () => response.destroy());
        response.on('finish', resolve);
      },
    );
    onward.on('error', ({ message }) => {
      if (response.headersSent) response.destroy();
      const words = message.replace(
        /^connect (\w+) (.*)$/,
        (_all, why: string, where: string) =>
          `dial tcp ${where}: connect: ${why === 'ECONNREFUSED' ? 'connection refused' : why}`,
      );
      reject(new ApiError(503, 'ServiceUnavailable', `error trying to reach service: ${words}`));
    });
    // Whoever asked is gone: nobody waits for the answer.
    response.on('close', () => {
      onward.destroy();
      resolve();
    });
    request.pipe(onward);
  });
}

const handedOn = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_HANDED_ON.has(name)));
