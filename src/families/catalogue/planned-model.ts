/** @file A catalogue's entry as a planner takes it: a checkpoint without files, all of it from the configuration. */
import type { Precision } from '../../graph/index.ts';
import { elementCount } from '../../graph/types.ts';
import type { TensorLocator } from '../../runtime/stage.ts';
import type { LocatedTensor } from '../../weights/component.ts';
import { formatOf, storedBytes } from '../../weights/storage-format.ts';
import type { ComponentName, PlannedFastDecoder, PlannedModel } from '../family.ts';
import { planTaehv, taehvWeights } from '../taehv/planned.ts';
import { summarize, wanArchitecture } from '../wan/architecture.ts';
import { parseTransformerConfig, parseUmt5Config, parseVaeConfig } from '../wan/config.ts';
import { CONFIGS, FAST_DECODERS } from './configs.ts';
import type { FastDecoderPart, ModelEntry, SourceDtype } from './model-entry.ts';

const COMPONENTS: readonly ComponentName[] = ['text_encoder', 'transformer', 'vae'];

const BYTES: Readonly<Record<SourceDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

/** @param options.fastDecoder With the fast decoder that the entry names, if it names one. */
export function plannedModel(
  entry: ModelEntry,
  { fastDecoder: isWanted = false }: { fastDecoder?: boolean } = {},
): PlannedModel {
  const { architecture: id, dtypes, generate, sizes } = entry;
  const fastDecoder =
    isWanted && entry.fastDecoder ? plannedFastDecoder(entry.fastDecoder) : undefined;
  const raw = CONFIGS[id];
  const architecture = wanArchitecture({
    textEncoder: parseUmt5Config(raw.textEncoder),
    transformer: parseTransformerConfig(raw.transformer),
    vae: parseVaeConfig(raw.vae),
  });
  const { constraints, latentShape, needs, decoderPlan } = architecture;
  const weights = (
    name: ComponentName,
    precision: Precision,
  ): ReturnType<typeof architecture.weights> =>
    architecture.weights(name, describedTensors(dtypes[name]), precision);
  return {
    // Every Wan is published with this one; what a distillation needs instead is an option of generating.
    schedulerName: generate.scheduler ?? 'UniPCMultistepScheduler',
    constraints,
    latentShape,
    needs,
    decoderPlan,
    defaults: { ...sizes[0], ...generate },
    components: [
      ...COMPONENTS.map((name) => {
        const summary = summarize(name, weights(name, { linear: 'float32' }));
        return name === 'transformer'
          ? { ...summary, bytes: summary.bytes + mergedBytes(entry) }
          : summary;
      }),
      ...(fastDecoder ? [fastDecoder.summary] : []),
    ],
    storedBytes: (name, precision) =>
      weights(name, precision).reduce((sum, need) => sum + storedBytes(need), 0),
    storedFormat: (name, precision) => formatOf(weights(name, precision)),
    ...(fastDecoder ? { fastDecoder } : {}),
  };
}

/** Of LoRAs, which are fetched with the transformer and gone in it. */
function mergedBytes({ load, extras }: ModelEntry): number {
  const loras = new Set(load.loras?.map(({ source }) => source));
  return extras.reduce((sum, { source, bytes = 0 }) => sum + (loras.has(source) ? bytes : 0), 0);
}

function plannedFastDecoder({ architecture, dtype, source }: FastDecoderPart): PlannedFastDecoder {
  const layout = FAST_DECODERS[architecture];
  return planTaehv(layout, taehvWeights(layout, describedTensors(dtype)), source);
}

/** Whatever tensor is asked for, in this element type: a component that is just what its configuration says. */
export function describedTensors(dtype: SourceDtype): TensorLocator {
  const describe = (shape: readonly number[]): LocatedTensor => ({
    dtype,
    shape: [...shape],
    start: 0,
    end: BYTES[dtype] * elementCount(shape),
    file: '',
  });
  return {
    locate: (_, { sourceShape }) => describe(sourceShape),
    find: (_, shape) => describe(shape),
  };
}
