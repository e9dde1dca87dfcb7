import { defineConfig } from 'vite';
import { bundledModelsPlugin } from './scripts/bundled-models.mjs';
import { PAGE_HEADERS } from './scripts/file-handler.mjs';
import { pagePolicyPlugin } from './scripts/page-policy.mjs';

export default defineConfig({
  // Relative, so that a build works at any path of any static host.
  base: './',
  // A missing file is a 404, never the page itself: checkpoints are probed by path.
  appType: 'mpa',
  plugins: [bundledModelsPlugin(), pagePolicyPlugin()],
  worker: { format: 'es' },
  optimizeDeps: {
    // Its wasm is found relative to its own module, which pre-bundling would move.
    exclude: ['onnxruntime-web'],
    // Named, because what the server finds only later (the worker, a first MP4) makes it reload the page.
    include: [
      '@bufbuild/protobuf',
      '@huggingface/hub',
      '@huggingface/tokenizers',
      '@petamoriken/float16',
      'client-zip',
      'comlink',
      'entities/decode',
      'hash-wasm',
      'idb',
      'mediabunny',
      'modern-gif',
      'onnx-buf',
      'pure-rand/generator/mersenne',
    ],
  },
  build: { target: 'es2023', sourcemap: true },
  // Pages of other origins read nothing, be they of this machine. Vite itself refuses the names of other machines.
  server: { headers: PAGE_HEADERS, cors: false },
  preview: { headers: PAGE_HEADERS, cors: false },
});
