/** Where a value stands in the configuration: `['backends', 'localhost', 'workerProcesses']`. */
export type ConfigPath = readonly (string | number)[];

/** A path as people write it: `backends.k8s-rabbitmq.tolerations[0].key`; keys with other characters are quoted. */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    if (!/^[\w-]+$/.test(segment)) return `${text}[${JSON.stringify(segment)}]`;
    return text === '' ? segment : `${text}.${segment}`;
  }, '');
}
