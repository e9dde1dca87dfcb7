/** @file Which checkpoints come with the repository, and a Vite plugin that puts them beside the page. */
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serveFolder } from './file-handler.mjs';
import { isModelFile } from './model-files.mjs';
import { ROOT } from './packages.mjs';

const MODELS = join(ROOT, 'models');

/** Names of the folders in `models/` that hold a checkpoint. */
export function bundledModels() {
  if (!existsSync(MODELS)) return [];
  return readdirSync(MODELS).filter((name) => existsSync(join(MODELS, name, 'model_index.json')));
}

/** @type {import('vite').Connect.NextHandleFunction} */
const serveModels = (request, response, next) => {
  const url = request.url ?? '';
  // A configuration that code imports is Vite's to make a module of.
  if (/[?&]import(?:&|$)/.test(url)) return next();
  const name = /^\/models\/([^/?]+)\//.exec(url)?.[1] ?? '';
  if (!bundledModels().includes(name)) return next();
  const folder = { prefix: `/models/${name}/`, root: join(MODELS, name), allows: isModelFile };
  void serveFolder(folder)(request, response, next);
};

/**
 * Serves `models/<name>/` during development and copies it into the build, which the preview serves by ranges.
 * @returns {import('vite').Plugin}
 */
export function bundledModelsPlugin() {
  let outDir = join(ROOT, 'dist');
  return {
    name: 'bundled-models',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    configureServer(server) {
      server.middlewares.use(serveModels);
    },
    configurePreviewServer(server) {
      const serveBuild = serveFolder({ prefix: '/', root: outDir });
      server.middlewares.use((request, response, next) => void serveBuild(request, response, next));
    },
    closeBundle() {
      for (const name of bundledModels()) copyCheckpoint(name, outDir);
    },
  };
}

/**
 * @param {string} name
 * @param {string} outDir
 */
function copyCheckpoint(name, outDir) {
  const from = join(MODELS, name);
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && isModelFile(path)) {
      cpSync(path, join(outDir, 'models', name, path.slice(from.length + 1)));
    }
  }
}
