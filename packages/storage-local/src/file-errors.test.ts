import { describe, expect, it } from 'vitest';
import { isSplitrockError } from '@splitrock/core/plugin';
import { toStorageError } from './file-errors.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code, syscall: 'open' });

describe('toStorageError', () => {
  it.each([
    ['ENOSPC', 'STORAGE_NO_SPACE', false],
    ['EDQUOT', 'STORAGE_NO_SPACE', false],
    ['EACCES', 'STORAGE_ACCESS_DENIED', false],
    ['EPERM', 'STORAGE_ACCESS_DENIED', false],
    ['EROFS', 'STORAGE_ACCESS_DENIED', false],
    ['ENAMETOOLONG', 'STORAGE_INVALID_KEY', false],
    ['EFBIG', 'STORAGE_OBJECT_TOO_LARGE', false],
    ['EMFILE', 'STORAGE_UNAVAILABLE', true],
    ['EIO', 'STORAGE_UNAVAILABLE', false],
  ])('gives %s the code %s', (errno, code, retryable) => {
    const cause = systemError(errno);
    const error = toStorageError(cause, 'write', 'a/b', '/data');
    expect(isSplitrockError(error)).toBe(true);
    expect(error).toMatchObject({ code, retryable, cause, details: { key: 'a/b', errno } });
    expect((error as Error).message).toContain('[key=a/b, directory=/data');
  });

  it('leaves errors alone that are not the file system’s', () => {
    for (const error of [new Error('the stream broke'), 'text', Object.assign(new Error('x'), { code: 'ENOSPC' })]) {
      expect(toStorageError(error, 'write', 'a', '/data')).toBe(error);
    }
  });
});
