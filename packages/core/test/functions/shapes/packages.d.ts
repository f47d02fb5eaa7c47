/** The small packages that the harness installs beside the shapes. */
declare module 'tiny-esm' {
  export function chunk<T>(list: readonly T[], size: number): T[][];
  export class PackageStack<T> {
    items: T[];
    push(item: T): this;
  }
  export class Client {
    constructor(options: unknown);
    options: unknown;
    send(value: number): number;
    get known(): boolean;
  }
  export function createClient(options: unknown): Client;
  export function upper(text: string): string;
  export const kit: { upperFirst(text: string): string };
  export default function tiny(value: unknown): string;
}
declare module 'tiny-cjs' {
  function tinyCjs(value: unknown): string;
  namespace tinyCjs {
    const twice: (value: number) => number;
    const version: string;
  }
  export = tinyCjs;
}
declare module 'tiny-interop' {
  const made: () => string;
  export default made;
  export const named: (value: unknown) => string;
}
declare module 'tiny-native' {
  export const hash: () => number;
}
