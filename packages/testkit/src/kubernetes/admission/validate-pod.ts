import type { FieldCause } from '../api-error.ts';
import type { NodeSelectorTerm } from '../objects/affinity.ts';
import type { Container, EnvironmentVariable, PodSpec, Toleration, Volume } from '../objects/pod.ts';
import { parseQuantity } from '../objects/quantity.ts';
import {
  checkDnsLabel,
  checkDnsSubdomain,
  checkLabels,
  checkVariableName,
  duplicate,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from './field-checks.ts';

/** What is wrong with a pod's spec; `field` is `spec`, or `spec.template.spec` of a job. */
export function validatePodSpec(spec: PodSpec, field: string): FieldCause[] {
  const volumes = new Set(spec.volumes?.map(({ name }) => name));
  const causes = validateVolumes(spec.volumes ?? [], `${field}.volumes`);
  if (spec.containers === undefined || spec.containers.length === 0) causes.push(required(`${field}.containers`));
  const names = new Set<string>();
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const place = `${field}.${list}[${index}]`;
      if (names.has(container.name)) causes.push(duplicate(`${place}.name`, container.name));
      names.add(container.name);
      causes.push(...validateContainer(container, place, volumes));
    }
  }
  return [...causes, ...validateScheduling(spec, field), ...validateLifetime(spec, field)];
}

function validateContainer(container: Container, field: string, volumes: ReadonlySet<string>): FieldCause[] {
  const { name, image, resources, env = [], volumeMounts = [], imagePullPolicy } = container;
  const causes = (name ?? '') === '' ? [required(`${field}.name`)] : checkDnsLabel(`${field}.name`, name);
  if ((image ?? '') === '') causes.push(required(`${field}.image`));
  else if (image !== image.trim()) {
    causes.push(invalidValue(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  }
  const policies = ['Always', 'IfNotPresent', 'Never'];
  if (imagePullPolicy !== undefined && !policies.includes(imagePullPolicy)) {
    causes.push(notSupported(`${field}.imagePullPolicy`, imagePullPolicy, policies));
  }
  for (const [index, variable] of env.entries()) causes.push(...validateVariable(variable, `${field}.env[${index}]`));
  causes.push(...validateResources(resources ?? {}, `${field}.resources`));
  const mounted = new Set<string>();
  for (const [index, { name: volume, mountPath }] of volumeMounts.entries()) {
    const place = `${field}.volumeMounts[${index}]`;
    if ((volume ?? '') === '') causes.push(required(`${place}.name`));
    else if (!volumes.has(volume)) {
      causes.push({ reason: 'FieldValueNotFound', message: `Not found: "${volume}"`, field: `${place}.name` });
    }
    if ((mountPath ?? '') === '') causes.push(required(`${place}.mountPath`));
    else if (mounted.has(mountPath)) causes.push(invalidValue(`${place}.mountPath`, mountPath, 'must be unique'));
    mounted.add(mountPath);
  }
  return causes;
}

const FIELD_PATHS =
  /^(metadata\.(name|namespace|uid|labels|annotations)|metadata\.(labels|annotations)\['.+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/;

function validateVariable({ name, value, valueFrom }: EnvironmentVariable, field: string): FieldCause[] {
  const causes = checkVariableName(`${field}.name`, name ?? '');
  if (valueFrom === undefined) return causes;
  if ((value ?? '') !== '') {
    causes.push(invalidValue(`${field}.valueFrom`, '', 'may not be specified when `value` is not empty'));
  }
  const path = valueFrom.fieldRef?.fieldPath;
  if (path !== undefined && !FIELD_PATHS.test(path)) {
    causes.push(
      invalidValue(
        `${field}.valueFrom.fieldRef.fieldPath`,
        path,
        'error converting fieldPath: field label not supported',
      ),
    );
  }
  return causes;
}

/** Resources that a container may ask for without a domain in their name. */
const STANDARD_RESOURCES = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;

function validateResources(
  { requests = {}, limits = {} }: NonNullable<Container['resources']>,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [list, amounts] of Object.entries({ limits, requests })) {
    for (const [resource, amount] of Object.entries(amounts)) {
      const place = `${field}.${list}[${resource}]`;
      if (!resource.includes('/') && !STANDARD_RESOURCES.test(resource)) {
        causes.push(invalidValue(place, resource, 'must be a standard resource type or fully qualified'));
        causes.push(invalidValue(place, resource, 'must be a standard resource for containers'));
      }
      if (parseQuantity(amount) < 0) causes.push(invalidValue(place, amount, 'must be greater than or equal to 0'));
    }
  }
  for (const [resource, amount] of Object.entries(requests)) {
    const limit = limits[resource];
    if (resource.includes('/') && limit !== amount) {
      const why = `must be equal to ${resource} limit${limit === undefined ? '' : ` of ${limit}`}`;
      causes.push(
        limit === undefined
          ? required(`${field}.limits`, 'Limit must be set for non overcommitable resources')
          : invalidValue(`${field}.requests`, amount, why),
      );
    } else if (limit !== undefined && parseQuantity(amount) > parseQuantity(limit)) {
      causes.push(
        invalidValue(`${field}.requests`, amount, `must be less than or equal to ${resource} limit of ${limit}`),
      );
    }
  }
  return causes;
}

function validateVolumes(volumes: readonly Volume[], field: string): FieldCause[] {
  const seen = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const place = `${field}[${index}]`;
    const causes =
      (volume.name ?? '') === '' ? [required(`${place}.name`)] : checkDnsLabel(`${place}.name`, volume.name);
    if (seen.has(volume.name)) causes.push(duplicate(`${place}.name`, volume.name));
    seen.add(volume.name);
    if (volume.secret?.secretName === '') causes.push(required(`${place}.secret.secretName`));
    if (volume.secret !== undefined && volume.secret.secretName === undefined)
      causes.push(required(`${place}.secret.secretName`));
    if (volume.configMap !== undefined && (volume.configMap.name ?? '') === '')
      causes.push(required(`${place}.configMap.name`));
    return causes;
  });
}

function validateScheduling(spec: PodSpec, field: string): FieldCause[] {
  const causes = checkLabels(`${field}.nodeSelector`, spec.nodeSelector);
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) {
    causes.push(...validateToleration(toleration, `${field}.tolerations[${index}]`));
  }
  const needed = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed !== undefined) {
    const place = `${field}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = needed.nodeSelectorTerms ?? [];
    if (terms.length === 0) causes.push(required(place, 'must have at least one node selector term'));
    for (const [index, term] of terms.entries()) causes.push(...validateTerm(term, `${place}[${index}]`));
  }
  return causes;
}

function validateTerm({ matchExpressions = [] }: NodeSelectorTerm, field: string): FieldCause[] {
  return matchExpressions.flatMap(({ operator, values = [] }, index) => {
    const place = `${field}.matchExpressions[${index}]`;
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length > 0) return [];
        return [required(`${place}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
      case 'Exists':
      case 'DoesNotExist':
        if (values.length === 0) return [];
        return [
          forbiddenField(`${place}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        ];
      case 'Gt':
      case 'Lt':
        if (values.length === 1) return [];
        return [required(`${place}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
      default:
        return [invalidValue(`${place}.operator`, operator, 'not a valid selector operator')];
    }
  });
}

function validateToleration(
  { key = '', operator = 'Equal', value = '', effect, tolerationSeconds }: Toleration,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  if (key === '' && operator !== 'Exists') {
    causes.push(
      invalidValue(
        `${field}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (operator !== 'Exists' && operator !== 'Equal') {
    causes.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  } else if (operator === 'Exists' && value !== '') {
    causes.push(invalidValue(`${field}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  }
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  if (effect !== undefined && effect !== '' && !effects.includes(effect)) {
    causes.push(notSupported(`${field}.effect`, effect, effects));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    causes.push(
      invalidValue(`${field}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    );
  }
  return causes;
}

function validateLifetime(spec: PodSpec, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const policies = ['Always', 'OnFailure', 'Never'];
  if (spec.restartPolicy !== undefined && !policies.includes(spec.restartPolicy)) {
    causes.push(notSupported(`${field}.restartPolicy`, spec.restartPolicy, policies));
  }
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1) {
    const why = 'must be between 1 and 2147483647, inclusive';
    causes.push(invalidValue(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, why));
  }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    causes.push(
      invalidValue(
        `${field}.terminationGracePeriodSeconds`,
        spec.terminationGracePeriodSeconds,
        'must be greater than or equal to 0',
      ),
    );
  }
  for (const name of [spec.serviceAccountName, spec.priorityClassName, spec.nodeName]) {
    if (name !== undefined && name !== '') causes.push(...checkDnsSubdomain(field, name));
  }
  return causes;
}
