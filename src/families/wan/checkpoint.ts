/** @file A Wan checkpoint in diffusers' `WanPipeline` layout: its components, checked, and the phases of a run. */
import { decodeActivationBytes } from '../../decode/cost.ts';
import { modelFormat, ZoetropeError } from '../../errors.ts';
import type { Precision } from '../../graph/index.ts';
import type { DeviceTensor } from '../../runtime/backend.ts';
import { locateWeights, type Stage } from '../../runtime/stage.ts';
import { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { storedBytes, type WeightNeed } from '../../weights/storage-format.ts';
import { StoredWeights } from '../../weights/stored-weights.ts';
import { type FileSource, readJson, type ReadOptions } from '../../weights/source.ts';
import type { ComponentName, Conditioning, Denoiser, ModelCheckpoint } from '../family.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { parseTransformerConfig, parseUmt5Config, parseVaeConfig } from './config.ts';
import { readDefaults } from './defaults.ts';
import { encodeTokens, padEmbeddings } from './text-encoder.ts';
import {
  allStages,
  transformerActivationBytes,
  transformerStages,
  WanTransformer,
} from './transformer.ts';
import { EMBEDDING, umt5Stages } from './umt5.ts';
import { decoderPlan, latentFrame } from './vae-decoder.ts';

interface TextConditioning extends Conditioning {
  readonly tensor: DeviceTensor;
}

const F32: Precision = { linear: 'float32' };

const COMPONENTS = ['text_encoder', 'transformer', 'vae'] as const;

export async function openWanCheckpoint(
  source: FileSource,
  modelIndex: Readonly<Record<string, unknown>>,
  options?: ReadOptions,
): Promise<ModelCheckpoint> {
  refuseVariants(modelIndex);
  const read = (path: string): Promise<unknown> => readJson(source, path, options);
  const textConfig = parseUmt5Config(await read('text_encoder/config.json'));
  const config = parseTransformerConfig(await read('transformer/config.json'));
  const vae = parseVaeConfig(await read('vae/config.json'));
  const schedulerConfig = await read('scheduler/scheduler_config.json');
  const tokenizer = loadTokenizer(
    await read('tokenizer/tokenizer.json'),
    await read('tokenizer/tokenizer_config.json'),
  );
  checkWidths(config, vae, textConfig);

  const [patchFrames, patchRows, patchColumns] = config.patchSize;
  const smallest = {
    latents: { channels: vae.zDim, frames: patchFrames, height: patchRows, width: patchColumns },
    textTokens: 1,
  };
  // Weights do not depend on a clip's size: the smallest clip's stages name all of them.
  const stagesOf: Record<ComponentName, (precision: Precision) => readonly Stage[]> = {
    text_encoder: (precision) => Object.values(umt5Stages(textConfig, 1, precision)).flat(),
    transformer: (precision) => allStages(transformerStages(config, smallest, precision)),
    vae: () => {
      const { first, rest } = decoderPlan(vae, smallest.latents);
      return [...first, ...rest];
    },
  };
  const files = new Map<ComponentName, ComponentFiles>();
  const needsOf = (name: ComponentName, precision: Precision): WeightNeed[] => {
    const component = files.get(name);
    if (!component) throw new Error(`no component ${name}`);
    const needs = locateWeights(component, stagesOf[name](precision));
    if (name === 'text_encoder') {
      const tensor = component.find(EMBEDDING, [textConfig.vocabSize, textConfig.dModel]);
      needs.push({ name: EMBEDDING, tensor, storage: 'source' });
    }
    return needs;
  };
  for (const name of COMPONENTS) {
    const stem = name === 'text_encoder' ? 'model' : 'diffusion_pytorch_model';
    files.set(name, await ComponentFiles.open(source, name, { ...options, stem }));
  }

  const sizeMultiple = vae.scaleFactorSpatial * Math.max(patchRows, patchColumns);
  const latentShape: ModelCheckpoint['latentShape'] = ({ width, height, numFrames }) => ({
    channels: vae.zDim,
    frames: (numFrames - 1) / vae.scaleFactorTemporal + 1,
    height: height / vae.scaleFactorSpatial,
    width: width / vae.scaleFactorSpatial,
  });

  return {
    pipelineClass: 'WanPipeline',
    schedulerConfig,
    schedulerName: schedulerClass(modelIndex),
    tokenizer,
    constraints: {
      sizeMultiple,
      frameMultiple: vae.scaleFactorTemporal * patchFrames,
      maxSize: config.ropeMaxSeqLen * sizeMultiple,
      maxFrames: (config.ropeMaxSeqLen * patchFrames - 1) * vae.scaleFactorTemporal + 1,
    },
    defaults: await readDefaults(source, tokenizer.defaultMaxSequenceLength, options),
    components: COMPONENTS.map((name) => {
      const needs = needsOf(name, F32);
      const sum = (of: (need: WeightNeed) => number): number =>
        needs.reduce((total, need) => total + of(need), 0);
      return {
        name,
        bytes: sum(({ tensor }) => tensor.end - tensor.start),
        parameters: sum(({ tensor }) => tensor.shape.reduce((a, b) => a * b, 1)),
      };
    }),
    storedBytes: (name, precision) =>
      needsOf(name, precision).reduce((sum, need) => sum + storedBytes(need), 0),
    fetch(name, precision, { store, ...importOptions } = {}) {
      const component = files.get(name);
      if (!component) throw new Error(`no component ${name}`);
      const needs = needsOf(name, precision);
      return store
        ? StoredWeights.open(store, component, needs, importOptions)
        : HostWeights.load(component, needs, importOptions);
    },
    latentShape,
    async encodeText(runner, weights, ids, maxSequenceLength, precision) {
      const embeddings = await encodeTokens(textConfig, precision, runner, weights, ids);
      return padEmbeddings(embeddings, textConfig.dModel, maxSequenceLength);
    },
    denoiser: (runner, shape, precision) =>
      denoiser(new WanTransformer(config, shape, precision, runner)),
    needs({ latents, textTokens, batch, texts, tile }, precision) {
      const shape = { latents, textTokens };
      // Each is worked out when it is asked for: graphs take longest, and a planner tries several tiles.
      return {
        get text_encoder() {
          const { layers, finalNorm } = umt5Stages(textConfig, textTokens, precision);
          const rows = textTokens * (3 * textConfig.dModel + textTokens);
          return {
            stages: [...layers, finalNorm],
            activationBytes: Float32Array.BYTES_PER_ELEMENT * rows,
          };
        },
        get transformer() {
          return {
            stages: allStages(transformerStages(config, shape, precision)),
            activationBytes: transformerActivationBytes(config, shape, batch, texts),
          };
        },
        get vae() {
          const chunks = decoderPlan(vae, latents, tile);
          const plan = latents.frames > 1 ? chunks : { ...chunks, rest: [] };
          // All chunks have the same weights: counted once.
          const stages = latents.frames > 1 ? plan.rest : plan.first;
          return { stages, variants: plan.first, activationBytes: decodeActivationBytes(plan) };
        },
      };
    },
    decoderPlan: (latents, tile) => decoderPlan(vae, latents, tile),
    decoderInput: (latents, shape, frame) => latentFrame(vae, latents, shape, frame),
  };
}

function denoiser(model: WanTransformer): Denoiser {
  return {
    async condition(texts): Promise<TextConditioning[]> {
      const tensors = await model.projectTexts(texts);
      return tensors.map((tensor) => ({ kind: 'conditioning', tensor }));
    },
    load: (onStage) => model.load((done) => onStage?.(done, model.stageCount)),
    forward(latents, timestep, conditionings, results) {
      const texts = conditionings.map((each) => (each as TextConditioning).tensor);
      return model.forward(latents, timestep, texts, results);
    },
  };
}

/** Wan 2.2's two-expert models and image inputs need more than one transformer and a text. */
function refuseVariants(modelIndex: Readonly<Record<string, unknown>>): void {
  const second = modelIndex['transformer_2'];
  if (Array.isArray(second) && second.some((part) => part !== null)) {
    throw modelFormat(
      'This checkpoint has a second transformer (Wan 2.2 A14B).',
      'Two-expert models are not supported yet: choose a Wan with one transformer.',
    );
  }
}

function schedulerClass(modelIndex: Readonly<Record<string, unknown>>): string {
  const entry: unknown = modelIndex['scheduler'];
  return Array.isArray(entry) && typeof entry[1] === 'string' ? entry[1] : 'unknown';
}

function checkWidths(
  transformer: { inChannels: number; outChannels: number; textDim: number },
  vae: { zDim: number },
  text: { dModel: number },
): void {
  const { inChannels, outChannels, textDim } = transformer;
  if (inChannels !== vae.zDim || outChannels !== vae.zDim || textDim !== text.dModel) {
    throw new ZoetropeError(
      'model-format',
      `The components do not fit: latents ${vae.zDim}, transformer in ${inChannels}, out ${outChannels}; text ${text.dModel}, transformer ${textDim}.`,
      'Image-to-video checkpoints, and components of different models, are not supported.',
    );
  }
}
