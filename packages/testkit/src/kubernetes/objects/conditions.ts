import type { Condition } from './metadata.ts';

/** Sets a condition in a draft's list; the time of the transition moves only when the status does. */
export function setCondition(
  conditions: Condition[],
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): void {
  const index = conditions.findIndex(({ type }) => type === condition.type);
  const before = conditions[index];
  const since = before?.status === condition.status ? before.lastTransitionTime : now;
  const next: Condition = { ...condition, ...(since === undefined ? {} : { lastTransitionTime: since }) };
  if (index < 0) conditions.push(next);
  else conditions[index] = next;
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
