/** @file What a run will take, phase by phase, settled before anything is computed. */
import { decodeFlops } from '../decode/cost.ts';
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import { invalidArgument, type ZoetropeError } from '../errors.ts';
import type {
  ComponentName,
  LatentShape,
  PlannedFastDecoder,
  PlannedModel,
} from '../families/family.ts';
import type { Precision } from '../graph/index.ts';
import {
  BudgetTooSmallError,
  DeviceTooSmallError,
  heapAfter,
  HeapGrownError,
  type PhaseNeeds,
  planPhase,
  type PhasePlan,
  SmallestTooLargeError,
} from '../runtime/planner.ts';
import type { HeapState } from '../runtime/wasm-heap.ts';
import type { GenerationParameters } from './api.ts';

/** What shows the clip while it is denoised, decoded beside the transformer. */
export interface PreviewPlan {
  readonly decoder: DecoderPlan;
  /** Operations of one preview. */
  readonly flops: number;
  /** On the device besides the denoising, whose phase counts it. */
  readonly bytes: number;
}

export interface RunPlan {
  /** `vae`: the decode, whichever decoder does it. Without the text encoder's, if there is nothing to encode. */
  readonly phases: Readonly<Record<Exclude<ComponentName, 'text_encoder'>, PhasePlan>> & {
    readonly text_encoder?: PhasePlan;
  };
  /** Absent: there is no fast decoder, or none was asked for, or it does not fit beside the denoising. */
  readonly preview?: PreviewPlan;
  /** Whether both passes of guidance hold their activations at once. */
  readonly guidance: 'batched' | 'sequential';
  /** Pixels a side of a decoder tile; absent: whole frames. */
  readonly tile?: number;
}

export interface PlanSettings {
  readonly precision: Readonly<Record<ComponentName, Precision>>;
  /** Nothing may pass it; infinite for no limit. */
  readonly budgetBytes: number;
  /** What is aimed at; passed, up to the budget, where nothing less would do. */
  readonly targetBytes: number;
  /** Of one tensor, as far as the device can bind it to a kernel; infinite for no limit. */
  readonly maxTensorBytes: number;
  readonly guidance?: 'batched' | 'sequential';
  readonly tile?: number;
  /** On wasm: what the heap is at the moment. */
  readonly heap?: (() => HeapState) | undefined;
  /** Whether room is made for previews, as far as there is any. */
  readonly preview?: boolean;
  /** False: no text is encoded. */
  readonly textEncoder?: boolean;
}

export type PlannedParameters = Pick<
  GenerationParameters,
  'width' | 'height' | 'numFrames' | 'guidanceScale' | 'maxSequenceLength' | 'decode'
>;

type Attempt = PhasePlan | BudgetTooSmallError | DeviceTooSmallError;

/** What one phase is planned with. */
interface PhaseSettings extends Omit<PlanSettings, 'heap'> {
  readonly isTiled?: boolean;
  /** On wasm: as the phases before leave it. */
  readonly heap?: HeapState | undefined;
}

/** A frame's longer side is cut into about this many tiles, if it has to be; more cost more in halos. */
const TILES_A_SIDE = [2, 3, 4, 6, 8, 12, 16, 24, 32];

/** Of a step's operations: what a preview may take, as long as there is a coarser one. */
const PREVIEW_SHARE = 0.1;

/** @throws BudgetTooSmallError, DeviceTooSmallError (`out-of-memory`) of the phase that needs most, if one cannot fit. */
export function planRun(
  checkpoint: PlannedModel,
  parameters: PlannedParameters,
  settings: PlanSettings,
): RunPlan {
  const plan = (size: PlannedParameters, heap = settings.heap): RunPlan | ZoetropeError => {
    try {
      return planPhases(checkpoint, size, { ...settings, heap });
    } catch (error) {
      if (error instanceof BudgetTooSmallError || error instanceof DeviceTooSmallError)
        return error;
      throw error;
    }
  };
  const planned = plan(parameters);
  if (!(planned instanceof Error)) return planned;
  if (!(planned instanceof BudgetTooSmallError)) throw planned;
  const { budgetBytes } = settings;
  const heap = settings.heap?.();
  // As it is in a page that was just opened.
  const atStart = heap && ((): HeapState => ({ ...heap, bytes: 0, sessions: new Map() }));
  if (heap && heap.bytes > 0 && !(plan(parameters, atStart) instanceof Error))
    throw new HeapGrownError(budgetBytes, planned.leastBytes, heap.bytes);
  const { sizeMultiple } = checkpoint.constraints;
  const size = { width: sizeMultiple, height: sizeMultiple, numFrames: 1 };
  const smallest = plan({ ...parameters, ...size }, atStart);
  if (smallest instanceof BudgetTooSmallError)
    throw new SmallestTooLargeError(budgetBytes, planned.leastBytes, smallest.leastBytes);
  throw planned;
}

function planPhases(
  checkpoint: PlannedModel,
  parameters: PlannedParameters,
  { heap: readHeap, ...plain }: PlanSettings,
): RunPlan {
  let settings: PhaseSettings = { ...plain, heap: readHeap?.() };
  /** The phases that follow find the heap as large as this one leaves it. */
  const leave = (phase: PhaseNeeds, attempt: Attempt, sessions = 1): Attempt => {
    if (settings.heap && !(attempt instanceof Error)) {
      const kept = Number.isFinite(settings.budgetBytes) ? 0 : sessions;
      settings = { ...settings, heap: heapAfter(settings.heap, phase, attempt, kept) };
    }
    return attempt;
  };
  const latents = checkpoint.latentShape(parameters);
  const textTokens = parameters.maxSequenceLength;
  const passes = parameters.guidanceScale > 1 ? 2 : 1;
  const needs = (component: ComponentName, batch: number, tile?: number): PhaseNeeds => {
    const shape = { latents, textTokens, batch, texts: passes, tile };
    return checkpoint.needs(shape, settings.precision[component])[component];
  };

  const encoding = settings.textEncoder === false ? undefined : needs('text_encoder', 1);
  const encoder = encoding && leave(encoding, fit(encoding, settings), passes);
  let guidance = settings.guidance ?? 'batched';
  let denoising = needs('transformer', guidance === 'batched' ? passes : 1);
  let transformer = fit(denoising, settings);
  if (transformer instanceof Error && settings.guidance === undefined && passes > 1) {
    // Batched costs activations, sequential streams every weight twice: it is for where nothing else fits.
    denoising = needs('transformer', 1);
    transformer = fit(denoising, settings);
    guidance = 'sequential';
  }
  const preview =
    settings.preview && !(transformer instanceof Error)
      ? fitPreview(checkpoint, latents, denoising, transformer, passes, settings)
      : undefined;
  leave(denoising, preview?.transformer ?? transformer);
  const { sizeMultiple } = checkpoint.constraints;
  const tiles = TILES_A_SIDE.map((count) => {
    const longest = Math.max(parameters.width, parameters.height);
    return sizeMultiple * Math.ceil(longest / count / sizeMultiple);
  });
  const { decode: choice } = parameters;
  const fast = choice === 'fast' ? requireFastDecoder(checkpoint) : undefined;
  const decodeNeeds = (tile?: number): PhaseNeeds =>
    fast ? fast.needs(latents, tile) : needs('vae', 1, tile);
  const decode = fitDecode(decodeNeeds, tiles, settings);
  const phases = settled({
    ...(encoder ? { text_encoder: encoder } : {}),
    transformer: preview?.transformer ?? transformer,
    vae: decode.attempt,
  });
  return {
    phases,
    guidance,
    ...(decode.tile === undefined ? {} : { tile: decode.tile }),
    ...(preview ? { preview: preview.plan } : {}),
  };
}

/** @throws ZoetropeError `invalid-argument` if there is none. */
export function requireFastDecoder<T extends PlannedFastDecoder>({
  fastDecoder,
}: {
  readonly fastDecoder?: T;
}): T {
  if (fastDecoder) return fastDecoder;
  throw missingFastDecoder();
}

export function missingFastDecoder(): ZoetropeError {
  return invalidArgument(
    'decode',
    "'fast' needs a fast decoder, and none was loaded.",
    'Load the model with fastDecoder: the address of a TAEHV file, such as taew2_1.safetensors for Wan 2.1.',
  );
}

/**
 * The finest previews that fit beside the denoising, whose weights make way for them by streaming, and that are cheap
 * beside a step; else the coarsest that fit.
 */
function fitPreview(
  { fastDecoder }: PlannedModel,
  latents: LatentShape,
  denoising: PhaseNeeds,
  alone: PhasePlan,
  passes: number,
  settings: PhaseSettings,
): { transformer: PhasePlan; plan: PreviewPlan } | undefined {
  let found: { transformer: PhasePlan; plan: PreviewPlan } | undefined;
  for (const { plan: decoder, needs } of fastDecoder?.previews(latents) ?? []) {
    const own = fit(needs, { ...settings, targetBytes: Infinity, budgetBytes: Infinity });
    if (own instanceof Error) continue;
    // On wasm both run in the same heap.
    const tensors = own.predictedPeakBytes - (own.heapBytes ?? 0);
    const heap = settings.heap && heapAfter(settings.heap, needs, own, 1);
    const left = {
      ...settings,
      heap,
      targetBytes: settings.targetBytes - tensors,
      budgetBytes: settings.budgetBytes - tensors,
    };
    const beside = fit(denoising, left);
    if (beside instanceof Error) continue;
    const transformer = {
      ...beside,
      workingSetBytes: beside.workingSetBytes + tensors,
      predictedPeakBytes: beside.predictedPeakBytes + tensors,
    };
    const flops = decodeFlops(decoder, latents.frames);
    const bytes = tensors + (beside.heapBytes ?? 0) - (alone.heapBytes ?? 0);
    found = { transformer, plan: { decoder, flops, bytes } };
    // Planning the coarser ones would take as long again.
    if (flops <= PREVIEW_SHARE * passes * alone.flops) break;
  }
  return found;
}

/** The text encoder's phase alone. @throws As {@link planRun}. */
export function planTextEncoder(
  checkpoint: PlannedModel,
  maxSequenceLength: number,
  settings: PlanSettings,
): PhasePlan {
  // The same for clips of all sizes.
  const latents = checkpoint.latentShape(checkpoint.defaults);
  const shape = { latents, textTokens: maxSequenceLength, batch: 1, texts: 1 };
  const attempt = fit(checkpoint.needs(shape, settings.precision.text_encoder).text_encoder, {
    ...settings,
    heap: settings.heap?.(),
  });
  if (attempt instanceof Error) throw attempt;
  return attempt;
}

/** Whole frames if they fit, else the largest tiles that do. */
function fitDecode(
  needsOf: (tile: number | undefined) => PhaseNeeds,
  tiles: readonly number[],
  settings: PhaseSettings,
): { attempt: Attempt; tile: number | undefined } {
  let best: { attempt: Attempt; tile: number | undefined } | undefined;
  const isTiled = settings.tile !== undefined;
  const sides = isTiled ? [settings.tile] : [undefined, ...tiles];
  for (const tile of sides) {
    const attempt = fit(needsOf(tile), { ...settings, isTiled });
    // From here on smaller tiles save nothing more: what is left is weights and what is never tiled.
    if (best && bytesOf(attempt) >= bytesOf(best.attempt) && bytesOf(attempt) < Infinity) break;
    best = { attempt, tile };
    // What no budget would do for may be within none at all, which is infinite, too.
    if (bytesOf(attempt) < Infinity && bytesOf(attempt) <= settings.targetBytes) break;
  }
  if (!best) throw new Error('nothing was tried');
  return best;
}

/** What a phase takes or would take; infinite where no budget would do. */
function bytesOf(attempt: Attempt): number {
  if (attempt instanceof BudgetTooSmallError) return attempt.leastBytes;
  return attempt instanceof Error ? Number.POSITIVE_INFINITY : attempt.predictedPeakBytes;
}

/** Within the target, or with the least that does where the budget allows that. */
function fit(needs: PhaseNeeds, { budgetBytes, targetBytes, ...bounds }: PhaseSettings): Attempt {
  try {
    return planPhase(needs, targetBytes, bounds);
  } catch (error) {
    if (error instanceof DeviceTooSmallError) return error;
    if (!(error instanceof BudgetTooSmallError)) throw error;
    return error.leastBytes <= budgetBytes ? planPhase(needs, error.leastBytes, bounds) : error;
  }
}

/** The plans, if all phases have one. */
function settled(attempts: Readonly<Partial<Record<ComponentName, Attempt>>>): RunPlan['phases'] {
  const failures = Object.values(attempts).filter((each) => each instanceof Error);
  const [worst] = failures.toSorted((a, b) => bytesOf(b) - bytesOf(a));
  if (worst) throw worst;
  return attempts as RunPlan['phases'];
}
