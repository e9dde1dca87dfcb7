import { defineConfig } from 'vite';
import { bundledModelsPlugin } from './scripts/bundled-models.mjs';
import { ISOLATION_HEADERS } from './scripts/file-handler.mjs';

export default defineConfig({
  // Relative, so that a build works at any path of any static host.
  base: './',
  // A missing file is a 404, never the page itself: checkpoints are probed by path.
  appType: 'mpa',
  plugins: [bundledModelsPlugin()],
  worker: { format: 'es' },
  // Its wasm is found relative to its own module, which pre-bundling would move.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: { target: 'es2023', sourcemap: true },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
});
