import { a, Ring } from './ring-a.ts';
export const b = (n: number): string => (n === 0 ? 'b' : a(n - 1));
export const makeRing = (): Ring => new Ring();
