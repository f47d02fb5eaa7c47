/** When and where a call ran: what the pictures are made of. */
export interface CallRecord {
  readonly callId: number;
  readonly jobName: string;
  readonly workerId: string;
  /** Number of the slot within the worker, from 0. */
  readonly slot: number;
  readonly attempt: number;
  /** Milliseconds since the epoch, by the client's clock. */
  readonly submittedAtMs: number;
  /** By the worker's clock; it may differ a little from the client's. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly outcome: 'value' | 'error' | 'timeout' | 'lost' | 'cancelled';
}

export const OUTCOMES = ['value', 'error', 'timeout', 'lost', 'cancelled'] as const;
