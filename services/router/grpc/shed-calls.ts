import {
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { ServerInterceptor } from '@grpc/grpc-js';

/** What decides who is let in. */
export interface CallGate {
  enter(bytes: number): boolean;
  readonly leave: (bytes: number) => void;
}

const PREDICTION_CALL = '/inference.GRPCInferenceService/ModelInfer';
/** What a message counts as: its length is not known before it is read. */
const MESSAGE_BYTES = 65_536;
/** After how long a call that was refused may be tried again, ms (gRFC A6, server pushback). */
const PUSHBACK_MS = 1000;

function refusal(): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  metadata.set('grpc-retry-pushback-ms', String(PUSHBACK_MS));
  const details = 'the router has more requests under way than it can answer in time';
  return { code: status.UNAVAILABLE, details, metadata };
}

/**
 * Returns an interceptor that ends calls for predictions which are not let in with UNAVAILABLE and a pushback, before their messages are
 * read, and leaves every other call alone. Who was let in leaves when the call has ended, however it ends.
 */
export function shedCalls(gate: CallGate): ServerInterceptor {
  return (method, call) => {
    if (method.path !== PREDICTION_CALL) return new ServerInterceptingCall(call);
    let isInside = false;
    const leave = (): void => {
      if (isInside) gate.leave(MESSAGE_BYTES);
      isInside = false;
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        isInside = gate.enter(MESSAGE_BYTES);
        if (isInside) next(metadata);
        else call.sendStatus(refusal());
      })
      .withOnCancel(leave)
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => {
        next(listener);
      })
      .withSendStatus((ended, next) => {
        leave();
        next(ended);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}
