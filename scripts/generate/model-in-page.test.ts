import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFileServer } from '../file-server.mjs';
import { bundledModels } from '../bundled-models.mjs';
import { ROOT } from '../packages.mjs';
import { parseCommandLine, type Request } from './arguments.mjs';
import { modelInPage, namesOf, servedFolders } from './model-in-page.mjs';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-model-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function requestFor(model: string): Request {
  const request = parseCommandLine(['a', '--model', model], bundledModels());
  return request === 'help' ? expect.unreachable() : request;
}

it('a folder with the name of a bundled model takes nothing from it', async () => {
  mkdirSync(join(folder, 'pocket'));
  const request = requestFor(join(folder, 'pocket'));
  const server = await startFileServer([...servedFolders(request), { prefix: '/', root: ROOT }]);
  try {
    const { source } = modelInPage(request, server.url);
    expect((await fetch(`${source}/model_index.json`)).status).toBe(404);
    const bundled = modelInPage(requestFor('pocket'), server.url).source;
    expect((await fetch(`${bundled}/model_index.json`)).status).toBe(200);
  } finally {
    await server.close();
  }
});

it('names a folder as it was typed', () => {
  mkdirSync(join(folder, 'Wan 2.1 #1 (100%) 红球'));
  const typed = join(folder, 'Wan 2.1 #1 (100%) 红球');
  const request = requestFor(typed);
  const { source } = modelInPage(request, 'http://127.0.0.1:1/');
  const names = namesOf(request, 'http://127.0.0.1:1/');
  expect(names(`${source}/vae has no file`)).toBe(`${typed}/vae has no file`);
});
