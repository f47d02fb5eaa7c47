import { describe, expect, it } from 'vitest';
import { describeTrouble, troubleDiagnosis, troubleError } from './broker-trouble.ts';
import { encodeBrokerName } from './topology.ts';

const URL = 'amqp://ann:secret@broker.example/jobs';

describe('trouble with the broker', () => {
  it.each([
    ['Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"', 'BROKER_ACCESS_REFUSED', true],
    [
      'Handshake terminated by server: 530 (NOT-ALLOWED) with message "vhost jobs not found"',
      'BROKER_VHOST_REFUSED',
      true,
    ],
    ['Expected ConnectionOpenOk; got <ConnectionClose channel:0>', 'BROKER_VHOST_REFUSED', true],
    ['connect ECONNREFUSED 10.0.0.1:5672', 'BROKER_UNREACHABLE', false],
    ['Operation failed: QueueDeclare; 404 (NOT-FOUND) in vhost', 'BROKER_UNREACHABLE', false],
  ])('%s is told as %s', (text, code, refused) => {
    const trouble = describeTrouble(new Error(text), URL);
    expect(trouble).toMatchObject({ code, refused });
    expect(troubleDiagnosis(trouble).severity).toBe(refused ? 'error' : 'warning');
    expect(troubleError(trouble)).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: !refused });
  });

  it('never shows the password', () => {
    const trouble = describeTrouble(new Error('Handshake terminated by server: 403'), URL);
    expect(trouble.message).toContain('user=ann');
    expect(trouble.message).not.toContain('secret');
  });
});

describe('names in the broker', () => {
  it('stay readable, and differ where texts differ', () => {
    expect(encodeBrokerName('team-a')).toBe('team-a');
    const names = ['a.b', 'a b', 'a-b', 'x'.repeat(64), 'x'.repeat(65)].map(encodeBrokerName);
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^[A-Za-z0-9_~-]{1,64}$/.test(name))).toBe(true);
  });
});
