/** @file Long work on one thread lets other tasks in between: bytes that arrive, a cancel. */

/** Resolves once the event loop has run what was waiting. A timer would wait four milliseconds in browsers. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
