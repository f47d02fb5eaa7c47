/** Keeps secrets out of what is shown. References to secrets may be shown; the secrets behind them may not. */
import type { ConfigPath } from './config-path.ts';
import { hasReference } from './references.ts';

export const REDACTED = '<redacted>';

const SECRET_KEY =
  /(?:password|passwd|passphrase|secret|token|credentials?|authorization|(?:private|api|access|account|encryption)key)$/i;

/** Whether a key's name says that its value is a secret: `password`, `secretAccessKey`, `AUTH_TOKEN`; not `accessKeyId` or `secretName`. */
export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key.replaceAll(/[-_]/g, ''));

/** A value that may be shown: secrets by key or by `secretAt` are hidden, so is the password of a URL. */
export function redact(
  value: unknown,
  path: ConfigPath,
  secretAt: (path: ConfigPath) => boolean = () => false,
): unknown {
  const secret = path.some((segment) => typeof segment === 'string' && isSecretKey(segment)) || secretAt(path);
  if (typeof value === 'string') return secret ? redactText(value) : redactUrl(value);
  if (Array.isArray(value)) return value.map((item, index) => redact(item, [...path, index], secretAt));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, redact(member, [...path, key], secretAt)]),
    );
  }
  return secret && typeof value === 'number' ? REDACTED : value;
}

/** Hides a text but for its references; an empty one has nothing to hide. */
function redactText(text: string): string {
  if (text === '') return text;
  return hasReference(text) && text.replaceAll(/\$\{[a-z]+:[^}]*\}/g, '') === '' ? text : REDACTED;
}

// Greedy up to the last @ of the authority: a password may hold an unescaped one.
const redactUrl = (text: string): string =>
  text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):([^\s/]+)@/gi, (all, head: string, password: string) =>
    /^\$\{[a-z]+:[^}]*\}$/.test(password) ? all : `${head}:${REDACTED}@`,
  );
