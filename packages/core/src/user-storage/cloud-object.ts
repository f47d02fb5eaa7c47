/**
 * References to objects in storage that travel as inputs and results.
 *
 * A reference is plain data, so that it goes through the codec, JSON and a database alike and needs nothing to come back
 * to life: every method of `UserStorage` that takes a key takes a reference as well.
 */

export interface CloudObject {
  /** Tells a reference from other data. */
  readonly type: 'splitrock/cloud-object';
  /** Where the object is in storage. */
  readonly key: string;
  /** Size in bytes when it was stored. */
  readonly size: number;
}

export const makeCloudObject = (key: string, size: number): CloudObject => ({
  type: 'splitrock/cloud-object',
  key,
  size,
});

export function isCloudObject(value: unknown): value is CloudObject {
  if (typeof value !== 'object' || value === null) return false;
  const { type, key, size } = value as Partial<Record<keyof CloudObject, unknown>>;
  return type === 'splitrock/cloud-object' && typeof key === 'string' && typeof size === 'number';
}
