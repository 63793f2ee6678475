import codes from '@eventstore/db-client/generated/code_pb.js';
import { type Code } from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import { type Status } from '@eventstore/db-client/generated/status_pb.js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { type Expected } from './expected-revision.js';
import { Fault, STATUS } from './grpc-status.js';
import { MAX_APPEND_BYTES } from './stored-event.js';

/** Why a call fails, where the protocol has a word for it. */
export type Failure =
  | Readonly<{ kind: 'wrong-revision'; current: bigint | null }>
  | Readonly<{ kind: 'tombstoned' | 'timed-out' | 'too-large' | 'unavailable' | 'failed' }>
  | Readonly<{ kind: 'invalid'; reason: string }>;

const EXPECTED_NUMBERS = { any: '-2', 'no-stream': '-1', 'stream-exists': '-4' } as const;

/** The error of a unary call or a read, told apart by its trailer `exception` as EventStoreDB does. */
export const callError = (failure: Failure, stream: string, expected: Expected = 'any'): Fault => {
  const named = { 'stream-name': stream };
  switch (failure.kind) {
    case 'wrong-revision': {
      // Only deletions fail in this way: an append answers a message.
      const versions = {
        'expected-version': typeof expected === 'bigint' ? expected.toString() : EXPECTED_NUMBERS[expected],
        'actual-version': (failure.current ?? -1n).toString(),
      };
      const text = `Stream: ${stream}, Expected version: ${versions['expected-version']}, Actual version: ${versions['actual-version']}`;
      return new Fault(STATUS.failedPrecondition, `Delete failed due to WrongExpectedVersion. ${text}`, {
        exception: 'wrong-expected-version',
        ...named,
        ...versions,
      });
    }
    case 'tombstoned':
      return new Fault(STATUS.failedPrecondition, `Event stream '${stream}' is deleted.`, { exception: 'stream-deleted', ...named });
    case 'too-large':
      return new Fault(STATUS.invalidArgument, `Maximum Append Size of ${MAX_APPEND_BYTES} Exceeded.`, {
        exception: 'maximum-append-size-exceeded',
        'maximum-append-size': String(MAX_APPEND_BYTES),
      });
    case 'timed-out':
      return new Fault(STATUS.aborted, 'The log could not be written in time.');
    case 'unavailable':
      return new Fault(STATUS.unavailable, 'The log cannot be reached.');
    case 'invalid':
      return new Fault(STATUS.invalidArgument, failure.reason);
    case 'failed':
      return new Fault(STATUS.unknown, 'The log does not take this.');
  }
};

type Detail = Readonly<{ serializeBinary(): Uint8Array }>;

const packed = (code: Code, message: string, name: string, detail: Detail): Status => {
  const details = new any.Any();
  details.pack(detail.serializeBinary(), `event_store.client.${name}`);
  const result = new statuses.Status();
  result.setCode(code);
  result.setMessage(message);
  result.setDetails(details);
  return result;
};

const wrongExpectedVersion = (current: bigint | null, expected: Expected): Detail => {
  const detail = new shared.WrongExpectedVersion();
  if (current === null) detail.setCurrentNoStream(new empty.Empty());
  else detail.setCurrentStreamRevision(current.toString());
  if (expected === 'any') detail.setExpectedAny(new empty.Empty());
  else if (expected === 'no-stream') detail.setExpectedNoStream(new empty.Empty());
  else if (expected === 'stream-exists') detail.setExpectedStreamExists(new empty.Empty());
  else detail.setExpectedStreamPosition(expected.toString());
  return detail;
};

/** The error of one append among those of a BatchAppend call. */
export const batchError = (failure: Failure, expected: Expected): Status => {
  switch (failure.kind) {
    case 'wrong-revision':
      return packed(
        codes.Code.FAILED_PRECONDITION,
        'WrongExpectedVersion',
        'WrongExpectedVersion',
        wrongExpectedVersion(failure.current, expected),
      );
    case 'tombstoned':
      return packed(codes.Code.FAILED_PRECONDITION, 'StreamDeleted', 'StreamDeleted', new shared.StreamDeleted());
    case 'too-large': {
      const detail = new shared.MaximumAppendSizeExceeded();
      detail.setMaxappendsize(MAX_APPEND_BYTES);
      return packed(codes.Code.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', 'MaximumAppendSizeExceeded', detail);
    }
    case 'timed-out':
      return packed(codes.Code.DEADLINE_EXCEEDED, 'Timeout', 'Timeout', new shared.Timeout());
    case 'invalid': {
      const detail = new shared.BadRequest();
      detail.setMessage(failure.reason);
      return packed(codes.Code.INVALID_ARGUMENT, failure.reason, 'BadRequest', detail);
    }
    case 'unavailable':
    case 'failed':
      return packed(codes.Code.UNKNOWN, 'Unknown', 'Unknown', new shared.Unknown());
  }
};
