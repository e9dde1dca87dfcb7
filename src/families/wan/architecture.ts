/**
 * @file What follows from a Wan's configuration alone: the sizes it can make, its stages, which tensors they need and what
 * each phase asks of a device. A checkpoint is this and its files; a catalogue's entry is this without any.
 */
import { decodeActivationBytes, decodeLiveBytes } from '../../decode/cost.ts';
import { ZoetropeError } from '../../errors.ts';
import type { Precision } from '../../graph/index.ts';
import { elementCount } from '../../graph/types.ts';
import { locateWeights, type Stage, type TensorLocator } from '../../runtime/stage.ts';
import { fetchedBytes, type WeightNeed } from '../../weights/storage-format.ts';
import type {
  ComponentName,
  ComponentSummary,
  ModelCheckpoint,
  SizeConstraints,
} from '../family.ts';
import type { Umt5Config, WanTransformerConfig, WanVaeConfig } from './config.ts';
import { allStages, transformerActivationBytes, transformerStages } from './transformer.ts';
import { EMBEDDING, umt5Stages } from './umt5.ts';
import { decoderPlan } from './vae-decoder.ts';

export interface WanConfigs {
  readonly textEncoder: Umt5Config;
  readonly transformer: WanTransformerConfig;
  readonly vae: WanVaeConfig;
}

export interface WanArchitecture {
  readonly constraints: SizeConstraints;
  readonly latentShape: ModelCheckpoint['latentShape'];
  readonly needs: ModelCheckpoint['needs'];
  readonly decoderPlan: ModelCheckpoint['decoderPlan'];
  /**
   * Every tensor of a component that a run reads, and how it is kept for `precision`.
   * @throws ZoetropeError `model-format`, naming the tensor that `files` lacks.
   */
  weights(component: ComponentName, files: TensorLocator, precision: Precision): WeightNeed[];
}

/** @throws ZoetropeError `model-format` for components that do not fit each other. */
export function wanArchitecture({ textEncoder, transformer, vae }: WanConfigs): WanArchitecture {
  checkWidths(transformer, vae, textEncoder);
  const [patchFrames, patchRows, patchColumns] = transformer.patchSize;
  const sizeMultiple = vae.scaleFactorSpatial * Math.max(patchRows, patchColumns);
  const smallest = {
    latents: { channels: vae.zDim, frames: patchFrames, height: patchRows, width: patchColumns },
    textTokens: 1,
  };
  // Weights do not depend on a clip's size: the smallest clip's stages name all of them.
  const stagesOf: Record<ComponentName, (precision: Precision) => readonly Stage[]> = {
    text_encoder: (precision) => Object.values(umt5Stages(textEncoder, 1, precision)).flat(),
    transformer: (precision) => allStages(transformerStages(transformer, smallest, precision)),
    vae: () => {
      const { first, rest } = decoderPlan(vae, smallest.latents);
      return [...first, ...rest];
    },
  };
  return {
    constraints: {
      sizeMultiple,
      frameMultiple: vae.scaleFactorTemporal * patchFrames,
      maxSize: transformer.ropeMaxSeqLen * sizeMultiple,
      maxFrames: (transformer.ropeMaxSeqLen * patchFrames - 1) * vae.scaleFactorTemporal + 1,
    },
    latentShape: ({ width, height, numFrames }) => ({
      channels: vae.zDim,
      frames: (numFrames - 1) / vae.scaleFactorTemporal + 1,
      height: height / vae.scaleFactorSpatial,
      width: width / vae.scaleFactorSpatial,
    }),
    needs({ latents, textTokens, batch, texts, tile }, precision) {
      const shape = { latents, textTokens };
      // Each is worked out when it is asked for: graphs take longest, and a planner tries several tiles.
      return {
        get text_encoder() {
          const { layers, finalNorm } = umt5Stages(textEncoder, textTokens, precision);
          const rows = textTokens * (3 * textEncoder.dModel + textTokens);
          return {
            stages: [...layers, finalNorm],
            activationBytes: Float32Array.BYTES_PER_ELEMENT * rows,
          };
        },
        get transformer() {
          return {
            stages: allStages(transformerStages(transformer, shape, precision)),
            activationBytes: transformerActivationBytes(transformer, shape, batch, texts),
          };
        },
        get vae() {
          const chunks = decoderPlan(vae, latents, tile);
          const plan = latents.frames > 1 ? chunks : { ...chunks, rest: [] };
          // All chunks have the same weights: counted once.
          const stages = latents.frames > 1 ? plan.rest : plan.first;
          return {
            stages,
            variants: plan.first,
            activationBytes: decodeActivationBytes(plan),
            liveBytes: decodeLiveBytes(plan),
          };
        },
      };
    },
    decoderPlan: (latents, tile) => decoderPlan(vae, latents, tile),
    weights(component, files, precision) {
      const needs = locateWeights(files, stagesOf[component](precision));
      if (component === 'text_encoder') {
        const tensor = files.find(EMBEDDING, [textEncoder.vocabSize, textEncoder.dModel]);
        // Rows are converted one by one as a prompt needs them: the widest that a table is worth is half floats.
        const isNarrow = precision.weights !== undefined || precision.linear === 'float16';
        needs.push({
          name: EMBEDDING,
          tensor,
          storage: isNarrow && tensor.dtype === 'F32' ? 'f16' : 'source',
        });
      }
      return needs;
    },
  };
}

/** What a component's tensors come to. */
export function summarize(name: ComponentName, needs: readonly WeightNeed[]): ComponentSummary {
  const sum = (of: (need: WeightNeed) => number): number =>
    needs.reduce((total, need) => total + of(need), 0);
  return {
    name,
    bytes: sum(fetchedBytes),
    parameters: sum(({ tensor }) => elementCount(tensor.shape)),
  };
}

function checkWidths(transformer: WanTransformerConfig, vae: WanVaeConfig, text: Umt5Config): void {
  const { inChannels, outChannels, textDim } = transformer;
  if (inChannels !== vae.zDim || outChannels !== vae.zDim || textDim !== text.dModel) {
    const misfit =
      textDim === text.dModel
        ? `the transformer takes latents of ${inChannels} channels and gives ${outChannels}, and the decoder takes ${vae.zDim}`
        : `the transformer takes ${textDim} numbers for each token of the prompt, and the text encoder makes ${text.dModel}`;
    throw new ZoetropeError(
      'model-format',
      `The components do not fit together: ${misfit}.`,
      inChannels > outChannels
        ? 'The transformer takes more channels than it gives, as image-to-video models do, which are not supported: choose the text-to-video model (T2V).'
        : 'The parts are of different models: use the transformer, text encoder and decoder of one.',
    );
  }
}
