/** The three kinds of patch that the API takes; server-side apply is not one of them here. */
import { ApiError, badRequest } from '../api-error.ts';
import { copyOf } from '../objects/copy.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = Record<string, Json>;

/** Applies a patch by its content type; throws the API's error for what cannot be applied. */
export function applyPatch(contentType: string, document: Json, patch: Json): Json {
  switch (contentType) {
    case 'application/json-patch+json':
      if (!Array.isArray(patch)) throw badRequest('json patch must be a list of operations');
      return applyJsonPatch(document, patch);
    case 'application/merge-patch+json':
      return mergePatch(document, patch);
    case 'application/strategic-merge-patch+json':
      return strategicMerge(document, patch, '');
    default: {
      const accepted =
        'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json';
      const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
      throw new ApiError(415, 'UnsupportedMediaType', message);
    }
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7386. */
function mergePatch(document: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** By which field the elements of a list are told apart; lists that are not here are replaced as a whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  ports: 'containerPort',
  taints: 'key',
  volumeMounts: 'mountPath',
  volumes: 'name',
};
/** Lists of plain values that a patch adds to. */
const MERGED_SETS = new Set(['finalizers']);

function strategicMerge(document: Json | undefined, patch: Json, field: string): Json {
  if (Array.isArray(patch)) return mergeLists(Array.isArray(document) ? document : [], patch, field);
  if (!isObject(patch)) return patch;
  const { $patch: directive, ...changes } = patch;
  if (directive === 'replace') return changes;
  const merged: JsonObject = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith('$setElementOrder/') || key === '$retainKeys') continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) removeFromList(merged, key, value);
    else if (value === null || (isObject(value) && value['$patch'] === 'delete')) delete merged[key];
    else merged[key] = strategicMerge(merged[key], value, key);
  }
  return merged;
}

function removeFromList(merged: JsonObject, directive: string, removed: Json): void {
  const field = directive.slice('$deleteFromPrimitiveList/'.length);
  const list = merged[field];
  if (Array.isArray(list) && Array.isArray(removed)) merged[field] = list.filter((item) => !removed.includes(item));
}

function mergeLists(list: Json[], patch: Json[], field: string): Json[] {
  if (MERGED_SETS.has(field)) return [...list, ...patch.filter((item) => !list.includes(item))];
  const mergeKey = MERGE_KEYS[field];
  if (mergeKey === undefined) return patch;
  const replaces = patch.some((item) => isObject(item) && item['$patch'] === 'replace' && !(mergeKey in item));
  const merged: Json[] = replaces ? [] : [...list];
  for (const item of patch) {
    if (!isObject(item) || item[mergeKey] === undefined) continue;
    const index = merged.findIndex((old) => isObject(old) && old[mergeKey] === item[mergeKey]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) merged.splice(index, 1);
    } else if (index < 0) merged.push(strategicMerge({}, item, ''));
    else merged[index] = strategicMerge(merged[index], item, '');
  }
  return merged;
}

/** RFC 6902. */
function applyJsonPatch(document: Json, operations: readonly Json[]): Json {
  let result = copyOf(document);
  for (const operation of operations) {
    if (!isObject(operation)) throw badRequest('json patch operations must be objects');
    result = applyOperation(result, operation);
  }
  return result;
}

function applyOperation(document: Json, operation: JsonObject): Json {
  const path = pointer(operation['path']);
  switch (operation['op']) {
    case 'add':
      return addAt(document, path, operation['value'] ?? null);
    case 'remove':
      return removeAt(document, path);
    case 'replace':
      return addAt(removeAt(document, path), path, operation['value'] ?? null);
    case 'move': {
      const from = pointer(operation['from']);
      const moved = valueAt(document, from);
      return addAt(removeAt(document, from), path, moved);
    }
    case 'copy':
      return addAt(document, path, copyOf(valueAt(document, pointer(operation['from']))));
    case 'test':
      if (JSON.stringify(valueAt(document, path)) === JSON.stringify(operation['value'])) return document;
      throw cannotApply(`testing path ${path.join('/')} value failed`);
    default:
      throw badRequest(`unexpected kind of json patch operation: ${JSON.stringify(operation['op'])}`);
  }
}

function pointer(path: Json | undefined): string[] {
  if (typeof path !== 'string') throw badRequest('json patch operation without a path');
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(document: Json, path: readonly string[]): Json {
  let value: Json | undefined = document;
  for (const part of path) {
    value = Array.isArray(value) ? value[Number(part)] : isObject(value) ? value[part] : undefined;
    if (value === undefined) throw cannotApply(`doc is missing path: /${path.join('/')}`);
  }
  return value;
}

function addAt(document: Json, path: readonly string[], value: Json): Json {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = valueAt(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, value);
  else if (isObject(parent)) parent[last] = value;
  return document;
}

function removeAt(document: Json, path: readonly string[]): Json {
  valueAt(document, path);
  const last = path.at(-1) ?? '';
  const parent = valueAt(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent)) delete parent[last];
  return document;
}

function cannotApply(why: string): ApiError {
  return new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`, {});
}
