/**
 * Kubernetes quantities (`250m`, `1.5Gi`, `1e3`), exact.
 *
 * A quantity is a decimal number with an optional suffix; Kubernetes keeps nine digits after the point and rounds finer
 * ones up, away from zero. So does {@link parseQuantity}, in billionths of the unit, as a bigint: no float is involved.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
import { InvalidArgumentError } from '@splitrock/core/plugin';

const NANOS = 1_000_000_000n;
/** `e3` and `E3` are exponents, a lone `E` is exa: the longest match wins. */
const QUANTITY = /^([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?$/;
const BINARY_SUFFIXES = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

/** Whether a text is a quantity that Kubernetes takes. */
export const isQuantity = (text: string): boolean => QUANTITY.test(text);

/**
 * A quantity in billionths of its unit, rounded up as Kubernetes does.
 *
 * @throws InvalidArgumentError `ARGUMENT_INVALID` if the text is no quantity.
 */
export function parseQuantity(text: string): bigint {
  const match = QUANTITY.exec(text);
  if (match === null) {
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `Not a Kubernetes quantity [text=${JSON.stringify(text)}]; write a number with a suffix such as 500m, 1.5 or 2Gi.`,
    );
  }
  const [, sign, number, suffix = ''] = match as unknown as [string, string, string, string | undefined];
  const [whole, fraction = ''] = number.split('.') as [string, string | undefined];
  const digits = BigInt(`${whole}${fraction}`);
  const { factor, exponent } = scaleOf(suffix);
  const power = exponent - fraction.length + 9;
  const nanos = power >= 0 ? digits * factor * 10n ** BigInt(power) : divideUp(digits * factor, 10n ** BigInt(-power));
  return sign === '-' ? -nanos : nanos;
}

/** CPU in thousandths of a core, `up` as a request counts, `down` as room counts. */
export const cpuMillis = (text: string, rounding: 'up' | 'down' = 'up'): number => inUnits(text, 1_000_000n, rounding);

/** Whole units: bytes of memory or disk, pieces of an extended resource. */
export const wholeUnits = (text: string, rounding: 'up' | 'down' = 'up'): number => inUnits(text, NANOS, rounding);

/** `1500` is `1500m`, `2000` is `2`. */
export const formatCpu = (millis: number): string => (millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`);

/** With the largest binary suffix that leaves a whole number: `1536Mi`; bytes that fit none have no suffix. */
export function formatBytes(bytes: number): string {
  let value = BigInt(bytes);
  let suffix = '';
  for (const next of BINARY_SUFFIXES) {
    if (value === 0n || value % 1024n !== 0n) break;
    value /= 1024n;
    suffix = next;
  }
  return `${value}${suffix}`;
}

function scaleOf(suffix: string): { readonly factor: bigint; readonly exponent: number } {
  const binary = BINARY_SUFFIXES.findIndex((known) => known === suffix);
  if (binary >= 0) return { factor: 1024n ** BigInt(binary + 1), exponent: 0 };
  return { factor: 1n, exponent: DECIMAL_EXPONENTS[suffix] ?? Number(suffix.slice(1)) };
}

function inUnits(text: string, nanosPerUnit: bigint, rounding: 'up' | 'down'): number {
  const nanos = parseQuantity(text);
  return Number(rounding === 'up' ? divideUp(nanos, nanosPerUnit) : divideDown(nanos, nanosPerUnit));
}

function divideDown(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient;
}

const divideUp = (dividend: bigint, divisor: bigint): bigint => -divideDown(-dividend, divisor);
