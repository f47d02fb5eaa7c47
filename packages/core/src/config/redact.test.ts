import { describe, expect, it } from 'vitest';
import { isSecretKey, redact } from './redact.ts';

describe('isSecretKey', () => {
  it.each([
    'password',
    'rabbitmqPassword',
    'secretAccessKey',
    'AUTH_TOKEN',
    'client-secret',
    'sessionToken',
    'credentials',
    'private_key',
    'apiKey',
  ])('%s is one', (key) => expect(isSecretKey(key)).toBe(true));
  it.each(['accessKeyId', 'secretName', 'imagePullSecrets', 'tokenFile', 'key', 'passwordFile', 'bucket', 'maxTokens'])(
    '%s is none',
    (key) => expect(isSecretKey(key)).toBe(false),
  );
});

describe('redact', () => {
  it.each([
    ['a secret text', 'hunter2', ['password'], '<redacted>'],
    ['a secret number', 1234, ['password'], '<redacted>'],
    ['an empty secret', '', ['password'], ''],
    ['a secret that is nothing', null, ['password'], null],
    ['a reference', '${env:PW}', ['password'], '${env:PW}'],
    ['a reference with a secret beside it', 'x${env:PW}', ['password'], '<redacted>'],
    [
      'all below a secret key',
      { user: 'a', pass: ['b'] },
      ['credentials'],
      { user: '<redacted>', pass: ['<redacted>'] },
    ],
    ['a secret inside', { bucket: 'b', secretAccessKey: 'x' }, ['s3'], { bucket: 'b', secretAccessKey: '<redacted>' }],
    ['the password of a URL', 'amqp://user:pa:s@s@host:5672/v', ['url'], 'amqp://user:<redacted>@host:5672/v'],
    ['the password of a URL without a user', 'redis://:pw@host', ['url'], 'redis://:<redacted>@host'],
    ['a referenced password of a URL', 'amqp://user:${env:PW}@host', ['url'], 'amqp://user:${env:PW}@host'],
    ['a URL without a password', 'http://host:80/a@b', ['url'], 'http://host:80/a@b'],
  ])('%s', (_case, value, path, expected) => {
    expect(redact(value, path)).toEqual(expected);
  });

  it('hides what a schema marks as secret', () => {
    expect(redact({ pin: 'x', name: 'y' }, [], (path) => path[0] === 'pin')).toEqual({ pin: '<redacted>', name: 'y' });
  });
});
