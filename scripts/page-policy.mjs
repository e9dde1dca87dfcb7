/**
 * @file What the page may run, and a Vite plugin that writes it into the page, for hosts that send no headers of their own.
 */

/**
 * Scripts and workers of the page's own origin only, and no markup that could bring another: even if a name, a message or
 * a model's text became markup, it could not run. `connect-src` is open, since a model may come from any address.
 */
export const CONTENT_SECURITY_POLICY = [
  // onnxruntime and the hashes are WebAssembly.
  "script-src 'self' 'wasm-unsafe-eval'",
  // onnxruntime may start its threads from a blob.
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
].join('; ');

/** @returns {import('vite').Plugin} */
export function pagePolicyPlugin() {
  return {
    name: 'page-policy',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        // Before the first script: it rules over what comes after it.
        injectTo: 'head-prepend',
      },
    ],
  };
}
