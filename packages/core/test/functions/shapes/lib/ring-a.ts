import { b } from './ring-b.ts';
export const a = (n: number): string => (n === 0 ? 'a' : b(n - 1));
export class Ring {
  other(): unknown {
    return b(0);
  }
}
