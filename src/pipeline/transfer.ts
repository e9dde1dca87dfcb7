/** @file What comlink must be taught on both sides: errors with their code and cause, and abort signals. */
import { transferHandlers } from 'comlink';
import { deserializeError, serializeError, type SerializedError } from '../errors.ts';

type Thrown =
  | { readonly isError: true; readonly error: SerializedError }
  | { readonly isError: false; readonly value: unknown };

let installed = false;

/** The near end of what a signal was sent through. */
const ports = new WeakMap<AbortSignal, MessagePort>();

/** Closes what a signal was sent through: its call is over, and an open port is never collected. */
export function releaseSignal(signal: AbortSignal): void {
  ports.get(signal)?.close();
  ports.delete(signal);
}

/** Once a side, before the first call. */
export function installTransferHandlers(): void {
  if (installed) return;
  installed = true;
  const builtIn = transferHandlers.get('throw');
  if (!builtIn) throw new Error('comlink has no throw handler');
  transferHandlers.set('throw', {
    canHandle: (value): value is unknown => builtIn.canHandle(value),
    serialize(wrapper: unknown): [Thrown, Transferable[]] {
      const { value } = wrapper as { value: unknown };
      // Not everything that is thrown can be cloned.
      const isError = typeof value !== 'string';
      return [isError ? { isError, error: serializeError(value) } : { isError, value }, []];
    },
    deserialize(thrown: Thrown): never {
      if (thrown.isError) throw deserializeError(thrown.error);
      throw thrown.value;
    },
  });
  transferHandlers.set('abort-signal', {
    canHandle: (value: unknown): value is AbortSignal => value instanceof AbortSignal,
    serialize(signal: AbortSignal): [{ aborted: boolean; port: MessagePort }, Transferable[]] {
      const { port1, port2 } = new MessageChannel();
      ports.set(signal, port1);
      signal.addEventListener('abort', () => port1.postMessage(null), { once: true });
      return [{ aborted: signal.aborted, port: port2 }, [port2]];
    },
    deserialize({ aborted, port }: { aborted: boolean; port: MessagePort }): AbortSignal {
      const controller = new AbortController();
      if (aborted) controller.abort();
      port.onmessage = () => controller.abort();
      return controller.signal;
    },
  });
}
