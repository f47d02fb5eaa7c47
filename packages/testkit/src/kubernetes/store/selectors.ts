/** Label selectors as text (`a=b,c in (d,e),!f`) and as objects, and field selectors. */
import { badRequest } from '../api-error.ts';
import type { LabelSelector, SelectorRequirement } from '../objects/affinity.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { selectableField, type Resource } from '../registry/resources.ts';

export type Predicate = (object: KubernetesObject) => boolean;

type Labels = Readonly<Record<string, string>>;

const SET_REQUIREMENT = /^\s*([^\s!=,()]+)\s+(in|notin)\s+\(([^()]*)\)\s*$/;
const EQUALITY_REQUIREMENT = /^\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)\s*$/;
const EXISTENCE_REQUIREMENT = /^\s*(!?)\s*([^\s!=,()]+)\s*$/;

/** Parses the `labelSelector` parameter. */
export function parseLabelSelector(text: string): SelectorRequirement[] {
  if (text.trim() === '') return [];
  return splitOutsideBrackets(text).map((part) => {
    const requirement = parseRequirement(part);
    if (requirement === undefined) {
      throw badRequest(`unable to parse requirement: found '${part.trim()}', expected: a label selector requirement`);
    }
    return requirement;
  });
}

function parseRequirement(part: string): SelectorRequirement | undefined {
  const [, setKey, setOperator, list] = SET_REQUIREMENT.exec(part) ?? [];
  if (setKey !== undefined && list !== undefined) {
    const values = list.split(',').map((value) => value.trim());
    return { key: setKey, operator: setOperator === 'in' ? 'In' : 'NotIn', values };
  }
  const [, key, operator, value] = EQUALITY_REQUIREMENT.exec(part) ?? [];
  if (key !== undefined) return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value ?? ''] };
  const [, negation, existing] = EXISTENCE_REQUIREMENT.exec(part) ?? [];
  return existing === undefined ? undefined : { key: existing, operator: negation === '!' ? 'DoesNotExist' : 'Exists' };
}

function splitOutsideBrackets(text: string): string[] {
  return text.split(/,(?![^()]*\))/);
}

export function requirementsOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector): SelectorRequirement[] {
  const equalities = Object.entries(matchLabels).map(([key, value]): SelectorRequirement => ({
    key,
    operator: 'In',
    values: [value],
  }));
  return [...equalities, ...matchExpressions];
}

export function matchesLabels(requirements: readonly SelectorRequirement[], labels: Labels = {}): boolean {
  return requirements.every((requirement) => matchesRequirement(requirement, labels[requirement.key]));
}

/** Whether a label's value (undefined: it has none) meets a requirement. */
export function matchesRequirement(requirement: SelectorRequirement, value: string | undefined): boolean {
  const { operator, values = [] } = requirement;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
  }
}

/** Parses the `fieldSelector` parameter; a field that the resource cannot be selected by is a 400. */
export function parseFieldSelector(resource: Resource, text: string, labelSelector = ''): Predicate {
  if (text.trim() === '') return () => true;
  const parts = text.split(',').map((part) => {
    const [, field = '', operator, value = ''] = /^\s*([^!=\s]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part) ?? [];
    const read = selectableField(resource, field);
    if (operator === undefined) throw badRequest(`invalid field selector: ${text}`);
    if (read === undefined) {
      const { group, version, name } = resource;
      const searched = `Unable to find "${group}/${version}, Resource=${name}" that match label selector "${labelSelector}"`;
      throw badRequest(`${searched}, field selector "${text}": field label not supported: ${field}`);
    }
    return (object: KubernetesObject) => (read(object) === value) === (operator !== '!=');
  });
  return (object) => parts.every((matches) => matches(object));
}

/** Both selectors of a request as one predicate. */
export function parseSelectors(resource: Resource, labels: string, fields: string): Predicate {
  const requirements = parseLabelSelector(labels);
  const matchesFields = parseFieldSelector(resource, fields, labels);
  return (object) => matchesLabels(requirements, object.metadata.labels) && matchesFields(object);
}
