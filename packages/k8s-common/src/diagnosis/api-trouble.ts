/** What it means for a pool that the API server refuses, or does not answer. */
import type { KubeApiError } from '../api/kube-error.ts';
import type { DiagnosisCode, Trouble } from './diagnosis-codes.ts';

/** @param what - What was asked for: `create a worker pod`. */
export function apiTrouble(what: string, error: KubeApiError): Trouble {
  const code = codeOf(error);
  const details = { what, ...(error.status === undefined ? {} : { status: error.status }), reason: error.reason };
  return { code, message: `cannot ${what}: ${error.words}`, details };
}

/** The same of a refusal that a controller met and wrote into an event: `Error creating: pods "x" is forbidden: …`. */
export const refusalTrouble = (what: string, words: string): Trouble => ({
  code: codeOf({ status: 403, words }),
  message: `cannot ${what}: ${words}`,
});

function codeOf({ status, words }: Pick<KubeApiError, 'status' | 'words'>): DiagnosisCode {
  if (status === undefined || status === 429 || status >= 500) return 'KUBE_UNREACHABLE';
  if (status === 401) return 'KUBE_FORBIDDEN';
  if (status === 404 && /namespaces? "/.test(words)) return 'KUBE_NAMESPACE_MISSING';
  if (status !== 403) return 'POD_REFUSED';
  if (words.includes('exceeded quota')) return 'POOL_QUOTA_EXCEEDED';
  if (words.includes('violates PodSecurity') || words.includes('unable to validate against any')) {
    return 'POD_SECURITY_REFUSED';
  }
  // The authorizer's words; every other 403 on a create comes from an admission plugin.
  return /User ".*" cannot|cannot \w+ resource/.test(words) ? 'KUBE_FORBIDDEN' : 'POD_REFUSED';
}
