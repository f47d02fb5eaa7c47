/** Why the master refuses a request: the body of its answer, `{ code, message }`. The codes are documented and stay. */

/** Set on every answer of a master, so that it is told from what stands between. */
export const MASTER_HEADER = 'splitrock-master';

export const REFUSALS = {
  MASTER_TOKEN_MISSING: { status: 401, message: 'The request carries no token, or what it carries is none.' },
  MASTER_TOKEN_REFUSED: { status: 403, message: 'The token is not one that this master knows for what is asked.' },
  MASTER_NO_SUCH_REQUEST: { status: 404, message: 'There is nothing of this name here.' },
  MASTER_METHOD_REFUSED: { status: 405, message: 'Everything here is asked for with POST.' },
  MASTER_REQUEST_INVALID: { status: 400, message: 'The request is not what it must be.' },
  MASTER_REQUEST_TOO_LARGE: { status: 413, message: 'The request is larger than the master takes.' },
  MASTER_SESSION_UNKNOWN: {
    status: 409,
    message: 'The master was started anew, or took you for dead: say who you are.',
  },
  MASTER_FAILED: { status: 500, message: 'The master failed; its log says why.' },
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** Thrown by handlers of requests; becomes the answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** For the log, beside the code. */
  readonly why: string | undefined;

  constructor(code: RefusalCode, why?: string) {
    super(REFUSALS[code].message);
    this.code = code;
    this.why = why;
  }
}

/** Most bytes of a request's body. What workers and clients send stays far below. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
