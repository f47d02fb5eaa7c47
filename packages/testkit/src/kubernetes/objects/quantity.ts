/** Quantities of the API: `100m`, `1.5`, `2Gi`, `1e3`. */

/** What the API server accepts; anything else does not even decode. */
export const QUANTITY_PATTERN = /^([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[numkMGTPE]|[eE][-+]?\d+)?$/;

const POWERS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

export function isQuantity(text: unknown): text is string | number {
  return typeof text === 'number' || (typeof text === 'string' && QUANTITY_PATTERN.test(text));
}

/** The value in the resource's base unit: cores, bytes, pieces. Throws for what is no quantity. */
export function parseQuantity(text: string | number): number {
  const match = QUANTITY_PATTERN.exec(String(text));
  if (match === null) throw new TypeError(`"${text}" is not a quantity`);
  const [, digits = '0', suffix = ''] = match;
  if (/^[eE][-+]?\d/.test(suffix)) return Number(`${digits}${suffix}`);
  return Number(digits) * (POWERS[suffix] ?? 1);
}

/** What the scheduler counts in, so that sums of tenths do not drift: thousandths of a core, whole bytes or pieces. */
export function toUnits(resource: string, text: string | number): number {
  const value = parseQuantity(text);
  return isCpu(resource) ? Math.ceil(value * 1000 - 1e-6) : Math.ceil(value);
}

/** Units of {@link toUnits} in the form the API prints sums in. */
export function formatUnits(resource: string, units: number): string {
  if (isCpu(resource)) return units % 1000 === 0 ? String(units / 1000) : `${units}m`;
  if (!resource.endsWith('memory') && !resource.endsWith('storage')) return String(units);
  for (const suffix of ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki']) {
    const size = POWERS[suffix] ?? 1;
    if (units !== 0 && units % size === 0) return `${units / size}${suffix}`;
  }
  return String(units);
}

function isCpu(resource: string): boolean {
  return resource === 'cpu' || resource.endsWith('.cpu');
}
