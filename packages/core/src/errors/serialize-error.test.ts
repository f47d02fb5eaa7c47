import { expect, it } from 'vitest';
import { deserializeError, serializeError } from './serialize-error.ts';
import { SplitrockError, StorageError, isSplitrockError } from './splitrock-error.ts';

/** Through JSON, as it travels. */
const travelled = (value: unknown): SplitrockError =>
  deserializeError(JSON.parse(JSON.stringify(serializeError(value))) as ReturnType<typeof serializeError>);

it('an error of ours keeps its code, message, details, retryability, stack and causes', () => {
  const cause = new StorageError('STORAGE_NO_SPACE', 'The disk is full.', { details: { key: 'a' } });
  const error = new SplitrockError('BACKEND_UNAVAILABLE', 'No worker.', { retryable: true, cause, details: { n: 1 } });
  const got = travelled(error);
  expect(isSplitrockError(got, 'BACKEND_UNAVAILABLE')).toBe(true);
  expect(got).toMatchObject({ message: 'No worker.', retryable: true, details: { n: 1 }, stack: error.stack });
  expect(got.cause).toMatchObject({ name: 'StorageError', code: 'STORAGE_NO_SPACE', details: { key: 'a' } });
});

it('a foreign error, and what is no error at all, keep name and message under a code of their own', () => {
  expect(travelled(new RangeError('too far'))).toMatchObject({
    code: 'REMOTE_ERROR',
    name: 'RangeError',
    message: 'too far',
  });
  expect(travelled('just text')).toMatchObject({ code: 'REMOTE_ERROR', message: 'just text' });
});

it('a code that this version does not know becomes the general one', () => {
  const data = { ...serializeError(new Error('of the future')), code: 'NOT_YET' };
  expect(deserializeError(data)).toMatchObject({ code: 'REMOTE_ERROR', message: 'of the future' });
});

it('a chain of causes without end is cut', () => {
  const error = new Error('round');
  error.cause = error;
  let depth = 0;
  for (let at = serializeError(error).cause; at !== undefined; at = at.cause) depth += 1;
  expect(depth).toBe(8);
});
