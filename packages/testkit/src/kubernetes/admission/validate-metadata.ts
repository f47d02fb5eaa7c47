import type { FieldCause } from '../api-error.ts';
import type { ObjectMetadata } from '../objects/metadata.ts';
import type { Resource } from '../registry/resources.ts';
import {
  checkDnsLabel,
  checkDnsSubdomain,
  checkLabels,
  checkQualifiedName,
  invalidValue,
  required,
} from './field-checks.ts';

const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** What is wrong with the metadata of a new or changed object. */
export function validateMetadata(resource: Resource, metadata: ObjectMetadata, field = 'metadata'): FieldCause[] {
  const { name, labels, annotations = {}, ownerReferences = [], finalizers = [] } = metadata;
  const checkName = resource.name === 'namespaces' ? checkDnsLabel : checkDnsSubdomain;
  const causes =
    name === '' ? [required(`${field}.name`, 'name or generateName is required')] : checkName(`${field}.name`, name);
  causes.push(...checkLabels(`${field}.labels`, labels), ...checkAnnotations(`${field}.annotations`, annotations));
  for (const [index, owner] of ownerReferences.entries()) {
    const place = `${field}.ownerReferences[${index}]`;
    for (const part of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if ((owner[part] ?? '') === '') {
        causes.push(
          invalidValue(
            `${place}.${part}`,
            owner[part] ?? '',
            `${part === 'apiVersion' ? 'version' : part} must not be empty`,
          ),
        );
      }
    }
  }
  return [...causes, ...finalizers.flatMap((finalizer) => checkQualifiedName(`${field}.finalizers`, finalizer))];
}

function checkAnnotations(field: string, annotations: Readonly<Record<string, string>>): FieldCause[] {
  const causes = Object.keys(annotations).flatMap((key) => checkQualifiedName(field, key.toLowerCase()));
  const bytes = Object.entries(annotations).reduce((sum, entry) => sum + Buffer.byteLength(entry.join('')), 0);
  if (bytes > MAX_ANNOTATIONS_BYTES) {
    const message = `Too long: must have at most ${MAX_ANNOTATIONS_BYTES} bytes`;
    causes.push({ reason: 'FieldValueInvalid', message, field });
  }
  return causes;
}
