import { describe, expect, it } from '@jest/globals';
import { describeTopics } from '../../src/app/topics.js';
import { readTopics } from '../../src/infra/kafka/topics.file.js';
import { faultsOf } from '../support/async-api.js';

describe('The service’s own topics', () => {
  const password = 'a password of the broker';
  const document = describeTopics({
    brokers: ['kafka.example:9093'],
    tls: { ca: '/etc/ca.pem' },
    sasl: { mechanism: 'scram-sha-512', username: 'calendar-service', password },
  });

  it('are described by a document that is valid for AsyncAPI’s own schema, and each message by an example that its schema accepts', () => {
    expect(faultsOf(document)).toEqual([]);
  });

  it('are all described, but those that only this service reads', () => {
    const told = readTopics().filter(({ kind }) => kind === 'public' || kind === 'incoming');
    expect(Object.keys(document.channels)).toEqual(told.map(({ name }) => name));
    expect(told.length).toBeGreaterThan(3);
  });

  it('are told of without what opens the broker', () => {
    expect(JSON.stringify(document)).toContain('kafka.example:9093');
    for (const secret of [password, 'calendar-service', '/etc/ca.pem']) expect(JSON.stringify(document)).not.toContain(secret);
  });

  it('tell nothing that another version may not add to', () => {
    expect(JSON.stringify(document.components)).not.toContain('"additionalProperties":false');
  });
});
