/** `GET …/pods/NAME/log`. */
import { ApiError, badRequest } from '../api-error.ts';
import type { ContainerLog, LogLine } from '../kubelet/container-log.ts';
import type { ContainerRun } from '../kubelet/container-run.ts';
import type { Machines } from '../kubelet/machines.ts';
import type { Pod } from '../objects/pod.ts';
import { isTrue } from './api-request.ts';
import type { Exchange } from './exchange.ts';

export function sendPodLog(exchange: Exchange, pod: Pod, machines: Machines, nowMs: number): void {
  const { query } = exchange;
  const { log, running } = findLog(pod, query, machines);
  const render = renderer(isTrue(query.get('timestamps')), query.get('limitBytes'));
  const { response } = exchange;
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  for (const line of selected(log.lines, query, nowMs)) response.write(render(line));
  if (!isTrue(query.get('follow')) || !running) {
    response.end();
    return;
  }
  const unfollow = log.follow(
    (line) => response.write(render(line)),
    () => response.end(),
  );
  response.on('close', unfollow);
}

function findLog(pod: Pod, query: URLSearchParams, machines: Machines): { log: ContainerLog; running: boolean } {
  const { name } = pod.metadata;
  const container = containerOf(pod, query.get('container') ?? '');
  const machine = machines.find(pod.spec.nodeName);
  if (machine?.isAlive === false) {
    const host = pod.status.hostIP ?? '';
    const path = `containerLogs/${pod.metadata.namespace}/${name}/${container}`;
    throw new ApiError(
      500,
      'InternalError',
      `Get "https://${host}:10250/${path}": dial tcp ${host}:10250: connect: connection refused`,
    );
  }
  const run = machine?.agentOf(pod)?.run(container);
  if (isTrue(query.get('previous'))) {
    if (run?.previousLog !== undefined) return { log: run.previousLog, running: false };
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
  }
  if (run?.log !== undefined) return { log: run.log, running: run.running !== undefined };
  throw badRequest(`container "${container}" in pod "${name}" is ${notReadable(run)}`);
}

function notReadable(run: ContainerRun | undefined): string {
  const reason = run?.state.waiting?.reason ?? 'ContainerCreating';
  const cannot = reason.startsWith('ErrImage') || reason.startsWith('ImagePull') || reason === 'InvalidImageName';
  return cannot ? `waiting to start: trying and failing to pull image` : `waiting to start: ${reason}`;
}

function containerOf({ metadata, spec }: Pod, asked: string): string {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  if (asked !== '' && !names.includes(asked))
    throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
  const [only, ...more] = spec.containers;
  if (asked === '' && more.length > 0) {
    const choice = spec.containers.map(({ name }) => name).join(' ');
    throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${choice}]`);
  }
  return asked === '' ? (only?.name ?? '') : asked;
}

function selected(lines: readonly LogLine[], query: URLSearchParams, nowMs: number): readonly LogLine[] {
  const seconds = query.get('sinceSeconds');
  const time = query.get('sinceTime');
  const sinceMs = seconds !== null ? nowMs - Number(seconds) * 1000 : time !== null ? Date.parse(time) : -Infinity;
  const recent = sinceMs === -Infinity ? lines : lines.filter(({ atMs }) => atMs >= sinceMs);
  const tail = query.get('tailLines');
  return tail === null ? recent : recent.slice(Math.max(0, recent.length - Number(tail)));
}

/** Lines as the request wants them, until the bytes that it allows are used up. */
function renderer(timestamps: boolean, limit: string | null): (line: LogLine) => Buffer {
  let left = limit === null ? Infinity : Number(limit);
  return ({ atMs, text }) => {
    const bytes = Buffer.from(timestamps ? `${new Date(atMs).toISOString().replace('Z', '000000Z')} ${text}` : text);
    const shown = bytes.subarray(0, Math.min(bytes.length, left));
    left -= shown.length;
    return shown;
  };
}
