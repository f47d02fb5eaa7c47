/** How error messages name a value that was given in place of another: short, and nothing of what is inside it. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return value.constructor?.name ?? 'object';
  if (typeof value === 'string') return JSON.stringify(value).slice(0, 40);
  return typeof value === 'number' ? String(value) : typeof value;
}
