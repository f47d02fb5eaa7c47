/** What the listener was told of troubles, so that each is told once, again when it gets worse, and its end as well. */
import type { BackendDiagnosis } from '@splitrock/core/plugin';
import { REMEDIES, type DiagnosisCode, type Trouble } from '../diagnosis/diagnosis-codes.ts';

export interface TroubleNow extends Trouble {
  readonly severity: 'warning' | 'error';
}

export class ToldTroubles {
  readonly #told = new Map<DiagnosisCode, TroubleNow>();

  get isEmpty(): boolean {
    return this.#told.size === 0;
  }

  /** What to tell, now that these are the troubles there are; the first of each code counts. */
  update(now: readonly TroubleNow[]): readonly BackendDiagnosis[] {
    const current = new Map<DiagnosisCode, TroubleNow>();
    for (const trouble of now) if (!current.has(trouble.code)) current.set(trouble.code, trouble);
    const over = [...this.#told.values()].filter(({ code }) => !current.has(code));
    const news = [...current.values()].filter((trouble) => this.#isNews(trouble));
    for (const { code } of over) this.#told.delete(code);
    for (const trouble of news) this.#told.set(trouble.code, trouble);
    return [...over.map(overEvent), ...news.map(troubleEvent)];
  }

  /** Words that change while the trouble stays (counts, pod names) are not worth another message. */
  #isNews({ code, severity }: TroubleNow): boolean {
    const told = this.#told.get(code);
    return told === undefined || told.severity !== severity;
  }
}

const troubleEvent = ({ severity, code, message, details }: TroubleNow): BackendDiagnosis => ({
  severity,
  code,
  message: `${capital(message)}; ${REMEDIES[code]}.`,
  ...(details === undefined ? {} : { details }),
});

const overEvent = ({ code, message }: TroubleNow): BackendDiagnosis => ({
  severity: 'info',
  code,
  message: `This is over: ${message}.`,
});

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
