/** Closures made in another module. */
export const makeAdder = (amount: number) => (x: number) => x + amount;
const hidden = (x: number): number => x * 100;
export const makeHidden = () => hidden;
export const table = { double: (x: number) => x * 2, hidden };
export class NotFoundError extends Error {
  readonly resource: string;
  constructor(resource: string) {
    super(`no ${resource}`);
    this.name = 'NotFoundError';
    this.resource = resource;
  }
}
