/** What is to be begun, and all that is wrong with it. */

/** The kinds of plugin that can be begun. */
export const PLUGIN_KINDS = ['backend', 'storage', 'monitoring'] as const;
/** One of {@link PLUGIN_KINDS}. */
export type PluginKind = (typeof PLUGIN_KINDS)[number];

/** What is to be begun. Check it with {@link problemsOf} first. */
export interface PluginSpec {
  readonly kind: PluginKind;
  /** The name in a configuration: kebab-case. */
  readonly name: string;
  /** The package: by default what a configuration finds by the name. */
  readonly packageName: string;
}

/** The names of Splitrock's own plugins, which a stranger's would be taken for. */
const TAKEN: Readonly<Record<PluginKind, readonly string[]>> = {
  backend: ['localhost', 'k8s', 'k8s-rabbitmq'],
  storage: ['local', 'memory', 's3', 'redis'],
  monitoring: ['storage', 'rabbitmq', 'redis'],
};

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
/** What npm takes as a package's name, but for what it took in former times. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
const MAX_PACKAGE_NAME = 214;

export const isPluginKind = (text: string): text is PluginKind => (PLUGIN_KINDS as readonly string[]).includes(text);

/** The package that a configuration finds by a plugin's name. */
export const defaultPackageName = (kind: PluginKind, name: string): string => `splitrock-${kind}-${name}`;

/** Every problem, as one sentence each; none when a plugin can be made of it. */
export function problemsOf(spec: {
  readonly kind: string;
  readonly name: string;
  readonly packageName: string;
}): string[] {
  const { kind, name, packageName } = spec;
  const problems: string[] = [];
  if (!isPluginKind(kind)) problems.push(`The kind must be one of ${PLUGIN_KINDS.join(', ')}, not ${show(kind)}.`);
  if (!NAME.test(name)) {
    problems.push(`The name must be kebab-case (a-z, 0-9, single dashes, a letter first), not ${show(name)}.`);
  } else if (isPluginKind(kind) && TAKEN[kind].includes(name)) {
    problems.push(`The name ${name} is that of a ${kind} of Splitrock; choose another one.`);
  }
  if (!PACKAGE_NAME.test(packageName) || packageName.length > MAX_PACKAGE_NAME) {
    problems.push(`The package name is none that npm takes: ${show(packageName)}.`);
  }
  return problems;
}

const show = (text: string): string => JSON.stringify(text.slice(0, 80));
