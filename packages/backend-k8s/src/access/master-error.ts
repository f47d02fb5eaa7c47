import type { RefusalCode } from '../protocol/refusals.ts';

/** The master did not answer, or something else answered in its place: it may be another one's turn. */
export class MasterUnreachableError extends Error {
  override readonly name = 'MasterUnreachableError';
}

/** The master refused a request. */
export class MasterRefusedError extends Error {
  override readonly name = 'MasterRefusedError';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(`the master refused a request [code=${code}]: ${message}`);
    this.code = code;
  }
}

export const isRefusal = (error: unknown, code: RefusalCode): boolean =>
  error instanceof MasterRefusedError && error.code === code;
