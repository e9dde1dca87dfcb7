/** @file A Wan checkpoint in diffusers' `WanPipeline` layout: its components, checked, and the phases of a run. */
import { modelFormat } from '../../errors.ts';
import type { Precision } from '../../graph/index.ts';
import type { DeviceTensor } from '../../runtime/backend.ts';
import type { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { formatOf, storedBytes, type WeightNeed } from '../../weights/storage-format.ts';
import { type Lora, openLora } from '../../weights/lora-file.ts';
import { type Origin, StoredWeights } from '../../weights/stored-weights.ts';
import { type FilesAt, type FileSource, readJson, type ReadOptions } from '../../weights/source.ts';
import type {
  CheckpointNotice,
  CheckpointParts,
  ComponentName,
  Conditioning,
  Denoiser,
  ModelCheckpoint,
} from '../family.ts';
import { checkSchedulerConfig } from '../../schedulers/create-scheduler.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { variantOf } from '../variant.ts';
import { summarize, wanArchitecture } from './architecture.ts';
import { openTextEncoder, openTransformer, openVae } from './components.ts';
import { readSettings } from './defaults.ts';
import { checkExtras } from './extras.ts';
import { checkTransformerHeader, checkUmt5Header, checkVaeHeader } from './header-check.ts';
import { loraTarget, withAdditions } from './lora.ts';
import { encodeTokens } from './text-encoder.ts';
import { WanTransformer } from './transformer.ts';
import { latentFrame } from './vae-decoder.ts';

interface TextConditioning extends Conditioning {
  readonly tensor: DeviceTensor;
}

const F32: Precision = { linear: 'float32' };

const COMPONENTS = ['text_encoder', 'transformer', 'vae'] as const;

export async function openWanCheckpoint(
  source: FileSource,
  modelIndex: Readonly<Record<string, unknown>>,
  options?: ReadOptions & CheckpointParts,
): Promise<ModelCheckpoint> {
  const replaced = options?.components ?? {};
  if (!replaced.transformer) refuseVariants(source, modelIndex);
  const read = (path: string): Promise<unknown> => readJson(source, path, options);
  const at = (name: ComponentName): FilesAt => replaced[name] ?? { source, path: name };
  const { config: textConfig, files: textFiles } = await openTextEncoder(
    at('text_encoder'),
    options,
  );
  const { config, files: transformerFiles } = await openTransformer(at('transformer'), options);
  const { config: vae, files: vaeFiles } = await openVae(at('vae'), options);
  const schedulerConfig = await read('scheduler/scheduler_config.json');
  const tokenizer = loadTokenizer(
    await read('tokenizer/tokenizer.json'),
    await read('tokenizer/tokenizer_config.json'),
  );
  checkSchedulerConfig(schedulerConfig);
  const architecture = wanArchitecture({ textEncoder: textConfig, transformer: config, vae });
  // Before the first graph is built: what a configuration claims is held against what the files hold.
  checkUmt5Header(textConfig, textFiles);
  checkTransformerHeader(config, transformerFiles);
  checkVaeHeader(vae, vaeFiles);

  const files: Readonly<Record<ComponentName, ComponentFiles>> = {
    text_encoder: textFiles,
    transformer: transformerFiles,
    vae: vaeFiles,
  };
  const target = loraTarget(architecture.weights('transformer', transformerFiles, F32));
  const loras: Lora[] = [];
  for (const each of options?.loras ?? []) loras.push(await openLora(each, target, options));
  const needsOf = (name: ComponentName, precision: Precision): WeightNeed[] => {
    const needs = architecture.weights(name, files[name], precision);
    return name === 'transformer' ? withAdditions(needs, loras) : needs;
  };
  const extras = COMPONENTS.flatMap((name) => {
    const needed = new Set(needsOf(name, F32).map((need) => need.name));
    return checkExtras(name, files[name], needed);
  });
  const notices: readonly CheckpointNotice[] = [
    ...extras,
    ...loras.flatMap(({ notice }) =>
      notice === undefined ? [] : [{ code: 'tensors-ignored' as const, message: notice }],
    ),
  ];

  const components = COMPONENTS.map((name) => ({
    ...summarize(name, needsOf(name, F32)),
    ...(replaced[name] ? { source: placeOf(pathOf(files[name])) } : {}),
  }));
  const loraSummaries = loras.map((lora) => ({
    source: placeOf(lora),
    scale: lora.scale,
    tensors: lora.additions.size,
  }));
  const variant = variantOf(components, loraSummaries);
  const settings = await readSettings(
    source,
    tokenizer.defaultMaxSequenceLength,
    vae.zDim,
    architecture.constraints,
    options,
  );
  return {
    pipelineClass: 'WanPipeline',
    schedulerConfig,
    schedulerName: schedulerClass(modelIndex),
    tokenizer,
    constraints: architecture.constraints,
    ...settings,
    components,
    loras: loraSummaries,
    notices,
    storedBytes: (name, precision) =>
      needsOf(name, precision).reduce((sum, need) => sum + storedBytes(need), 0),
    storedFormat: (name, precision) => formatOf(needsOf(name, precision)),
    fetch(name, precision, { store, ...importOptions } = {}) {
      const needs = needsOf(name, precision);
      if (!store) return HostWeights.load(files[name], needs, importOptions);
      const merged = name === 'transformer' ? loras : [];
      // Without a variant, all components are the checkpoint's own.
      const isOwn = variant === undefined || (!replaced[name] && merged.length === 0);
      if (isOwn) return StoredWeights.open(store, files[name], needs, importOptions);
      const origin: Origin = { source: `${source.name}/${name}`, variant, madeOf: merged };
      return StoredWeights.open(store, files[name], needs, { ...importOptions, origin });
    },
    latentShape: architecture.latentShape,
    textDim: textConfig.dModel,
    encodeText: (runner, weights, ids, precision) =>
      encodeTokens(textConfig, precision, runner, weights, ids),
    denoiser: (runner, shape, precision) =>
      denoiser(new WanTransformer(config, shape, precision, runner)),
    needs: architecture.needs,
    decoderPlan: architecture.decoderPlan,
    decoderInput: (latents, shape, frame) => latentFrame(vae, latents, shape, frame),
  };
}

const pathOf = ({ source, folder }: ComponentFiles): FilesAt => ({ source, path: folder });

function placeOf({ source, path }: FilesAt): string {
  return path === '' ? source.name : `${source.name.replace(/\/$/, '')}/${path}`;
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
function refuseVariants(source: FileSource, modelIndex: Readonly<Record<string, unknown>>): void {
  const second = modelIndex['transformer_2'];
  if (Array.isArray(second) && second.some((part) => part !== null)) {
    throw modelFormat(
      `${source.name} has a second transformer, as Wan 2.2 A14B has, which is not supported.`,
      'Choose a Wan with one transformer, such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers or Wan-AI/Wan2.1-T2V-14B-Diffusers.',
    );
  }
}

function schedulerClass(modelIndex: Readonly<Record<string, unknown>>): string {
  const entry: unknown = modelIndex['scheduler'];
  return Array.isArray(entry) && typeof entry[1] === 'string' ? entry[1] : 'unknown';
}
