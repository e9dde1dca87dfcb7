/**
 * @file Decodes latents one latent frame at a time and stage by stage over tiles: all tiles of a stage run while its
 * weights are on the device. Between stages frames are in RAM, and so are each tile's causal caches: what the device
 * holds depends on the tile, not on the frame or on the clip's length. Equals the untiled decode.
 */
import type { StageRunner } from '../runtime/stage-runner.ts';
import type { DecoderPlan, DecoderStage, HostFrames } from './decoder-plan.ts';
import { cutWindow, emptyFrames, pasteWindow } from './host-frames.ts';
import { limitPictures } from './pictures.ts';
import { attendInTiles } from './tile-attention.ts';
import { type Tile, tilesOf } from './tile-grid.ts';

/** By stage, tile and name of the graph's input. */
type HostCaches = Map<string, Float32Array<ArrayBuffer>>;

/** Yields the pictures of each latent frame, in [−1, 1] or NaN. `frames[i]` is latent frame i as `[1, h, w, z]` data, channels last. */
export async function* decodeTiled(
  plan: DecoderPlan,
  frames: Iterable<Float32Array<ArrayBuffer>>,
  runner: StageRunner,
): AsyncGenerator<HostFrames> {
  const caches: HostCaches = new Map();
  let isFirst = true;
  for (const data of frames) {
    const stages = isFirst ? plan.first : plan.rest;
    isFirst = false;
    let x: HostFrames = { data, shape: wholeShape(stages[0], 'x') };
    let skip: HostFrames | undefined;
    for (const stage of stages) {
      if (stage.opensBlock) skip = x;
      x = stage.attends
        ? await attendInTiles(stage, x, runner)
        : await runTiles(stage, x, stage.usesSkip ? skip : undefined, caches, runner);
      if (stage.usesSkip) skip = undefined;
    }
    limitPictures(x.data);
    yield x;
  }
}

async function runTiles(
  stage: DecoderStage,
  x: HostFrames,
  skip: HostFrames | undefined,
  caches: HostCaches,
  runner: StageRunner,
): Promise<HostFrames> {
  const { graph, grid } = stage;
  const y = emptyFrames(wholeShape(stage, 'y'));
  const scale = (y.shape[1] ?? 0) / grid.frame.height;
  const dataOf = (name: string, index: number, tile: Tile): HostFrames['data'] | undefined => {
    if (name === 'x') return cutWindow(x, tile, grid.window);
    if (name === 'skip' && skip) return cutWindow(skip, tile, grid.window);
    return caches.get(cacheKey(stage, index, name));
  };
  await runner.runEach(
    stage,
    tilesOf(grid).entries(),
    ([index, tile]) =>
      Object.fromEntries(
        graph.inputs.map(({ name, dtype, shape }) => {
          const data = dataOf(name, index, tile);
          return [name, data ? runner.put(dtype, shape, data) : runner.zeros(dtype, shape)];
        }),
      ),
    async ([index, tile], outputs) => {
      for (const [name, tensor] of Object.entries(outputs)) {
        const data = await runner.backend.download(tensor);
        if (name === 'y') pasteWindow(y, { data, shape: tensor.shape }, tile, scale);
        else caches.set(cacheKey(stage, index, name.replace('next', 'cache')), data);
      }
    },
  );
  return y;
}

function cacheKey({ name }: DecoderStage, tile: number, input: string): string {
  return `${name}/${tile}/${input}`;
}

/** Shape of a stage's input or output for the whole frame. */
function wholeShape(stage: DecoderStage | undefined, name: 'x' | 'y'): readonly number[] {
  if (!stage) throw new Error('a decoder without stages');
  const { graph, grid } = stage;
  const value = [...graph.inputs, ...graph.outputs].find((each) => each.name === name);
  const [t = 0, h = 0, w = 0, c = 0] = value?.shape ?? [];
  const { frame, window } = grid;
  return [t, (h / window.height) * frame.height, (w / window.width) * frame.width, c];
}
