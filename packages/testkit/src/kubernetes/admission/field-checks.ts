/** Checks of single fields, worded as the API server words them. */
import type { FieldCause } from '../api-error.ts';

const LABEL_REGEX = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN_REGEX = String.raw`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`;
const VALUE_REGEX = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const QUALIFIED_REGEX = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const VARIABLE_REGEX = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const KEY_REGEX = '[-._a-zA-Z0-9]+';

const matches = (regex: string, value: string): boolean => new RegExp(`^${regex}$`).test(value);

export function invalidValue(field: string, value: unknown, why: string): FieldCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

export function required(field: string, why = ''): FieldCause {
  return { reason: 'FieldValueRequired', message: why === '' ? 'Required value' : `Required value: ${why}`, field };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldCause {
  const list = supported.map((item) => `"${item}"`).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: 'FieldValueNotSupported', message, field };
}

export function forbiddenField(field: string, why: string): FieldCause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field };
}

export function duplicate(field: string, value: unknown): FieldCause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(value)}`, field };
}

/** The name of a container, a volume or a namespace. */
export function checkDnsLabel(field: string, value: string): FieldCause[] {
  if (value.length > 63) return [invalidValue(field, value, 'must be no more than 63 characters')];
  if (matches(LABEL_REGEX, value)) return [];
  const must = "must consist of lower case alphanumeric characters or '-', and must start and end with";
  const example = `an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL_REGEX}')`;
  return [invalidValue(field, value, `a lowercase RFC 1123 label ${must} ${example}`)];
}

/** The name of nearly everything else. */
export function checkDnsSubdomain(field: string, value: string): FieldCause[] {
  if (value.length > 253) return [invalidValue(field, value, 'must be no more than 253 characters')];
  if (matches(SUBDOMAIN_REGEX, value)) return [];
  const must = "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with";
  const example = `an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN_REGEX}')`;
  return [invalidValue(field, value, `a lowercase RFC 1123 subdomain ${must} ${example}`)];
}

/** The key of a label or an annotation: `name` or `example.com/name`. */
export function checkQualifiedName(field: string, key: string): FieldCause[] {
  const slash = key.indexOf('/');
  const name = slash < 0 ? key : key.slice(slash + 1);
  const causes = slash < 0 ? [] : checkDnsSubdomain(field, key.slice(0, slash));
  if (name.length > 63) causes.push(invalidValue(field, key, 'name part must be no more than 63 characters'));
  if (name === '') causes.push(invalidValue(field, key, 'name part must be non-empty'));
  else if (!matches(QUALIFIED_REGEX, name)) {
    const must =
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    const example = `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED_REGEX}')`;
    causes.push(invalidValue(field, key, `${must} ${example}`));
  }
  return causes;
}

export function checkLabelValue(field: string, value: string): FieldCause[] {
  if (value.length > 63) return [invalidValue(field, value, 'must be no more than 63 characters')];
  if (matches(VALUE_REGEX, value)) return [];
  const must =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const example = `(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${VALUE_REGEX}')`;
  return [invalidValue(field, value, `${must} ${example}`)];
}

/** The labels at `field`, or a node selector, which has the same form. */
export function checkLabels(field: string, labels: Readonly<Record<string, string>> = {}): FieldCause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...checkQualifiedName(field, key),
    ...checkLabelValue(field, value),
  ]);
}

export function checkVariableName(field: string, name: string): FieldCause[] {
  if (name === '') return [required(field)];
  if (matches(VARIABLE_REGEX, name)) return [];
  const must =
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
  const example = `(e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '${VARIABLE_REGEX}')`;
  return [invalidValue(field, name, `${must} ${example}`)];
}

/** The key of an entry of a secret or a config map: a file's name. */
export function checkDataKey(field: string, key: string): FieldCause[] {
  if (key.length > 253) return [invalidValue(field, key, 'must be no more than 253 characters')];
  if (matches(KEY_REGEX, key) && !key.startsWith('..') && key !== '.') return [];
  const must = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  const example = `(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '${KEY_REGEX}')`;
  return [invalidValue(field, key, `${must} ${example}`)];
}
