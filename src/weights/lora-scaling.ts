/**
 * @file By what a LoRA's product is multiplied besides the user's scale: alpha / rank, or alpha / √rank. Alphas are
 * tensors, or in peft's configuration, which diffusers keeps in the file and peft beside it. Reference: peft `LoraConfig`.
 */
import { describe, isRecord } from '../config/fields.ts';
import { modelFormat } from '../errors.ts';

/** peft's configuration, as far as merging depends on it. */
export interface AdapterConfig {
  readonly alpha: number;
  /** By module name, or an ending of it. */
  readonly alphaPattern: ReadonlyMap<string, number>;
  /** Rank-stabilized: alpha / √rank. */
  readonly isRankStabilized: boolean;
}

/** Published alphas are 1 to a few hundred; far above, a product leaves what weights can be. */
const MOST_ALPHA = 1e6;

/** Entries of `alpha_pattern`: one a module at the most. */
const MOST_PATTERNS = 10_000;

function isAlpha(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= MOST_ALPHA;
}

/**
 * @param where For messages.
 * @throws ZoetropeError `model-format` for what merging cannot do, or cannot do exactly.
 */
export function parseAdapterConfig(json: unknown, where: string): AdapterConfig {
  const refuse = (problem: string): never => {
    throw modelFormat(`${where}: ${problem}.`, 'Choose a plain LoRA.');
  };
  if (!isRecord(json)) return refuse('the adapter’s configuration is not an object');
  if (json['use_dora'] === true) return refuse('this is a DoRA, which is not supported');
  const alpha = json['lora_alpha'];
  if (!isAlpha(alpha)) {
    return refuse(`lora_alpha is ${describe(alpha)}, not a number up to ${MOST_ALPHA}`);
  }
  const pattern = json['alpha_pattern'] ?? {};
  if (!isRecord(pattern)) return refuse('alpha_pattern is not an object');
  if (Object.keys(pattern).length > MOST_PATTERNS) {
    return refuse(`alpha_pattern has more than ${MOST_PATTERNS} entries`);
  }
  const alphaPattern = new Map<string, number>();
  for (const [name, value] of Object.entries(pattern)) {
    if (!isAlpha(value)) {
      return refuse(
        `alpha_pattern of ${name} is ${describe(value)}, not a number up to ${MOST_ALPHA}`,
      );
    }
    // peft takes regular expressions; what it writes itself are names.
    if (!/^\^?[\w.]+$/.test(name)) return refuse(`alpha_pattern ${name} is no module's name`);
    alphaPattern.set(name, value);
  }
  return { alpha, alphaPattern, isRankStabilized: json['use_rslora'] === true };
}

/** diffusers' `lora_adapter_metadata` in a file's header: every setting under the name of its component. */
export function adapterConfigIn(
  metadata: Readonly<Record<string, unknown>>,
  where: string,
): AdapterConfig | undefined {
  const text = metadata['lora_adapter_metadata'];
  if (typeof text !== 'string') return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw modelFormat(
      `${where}: lora_adapter_metadata is not JSON.`,
      'The file is damaged.',
      cause,
    );
  }
  const prefix = 'transformer.';
  const own = Object.entries(isRecord(json) ? json : {}).filter(([name]) =>
    name.startsWith(prefix),
  );
  if (own.length === 0) return undefined;
  const config = Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
  return parseAdapterConfig(config, where);
}

/** @param module As the file calls it. */
export function adapterScaling(config: AdapterConfig, module: string, rank: number): number {
  const found = [...config.alphaPattern].find(([name]) =>
    name.startsWith('^')
      ? module === name.slice(1)
      : module === name || module.endsWith(`.${name}`),
  );
  const alpha = found?.[1] ?? config.alpha;
  return alpha / (config.isRankStabilized ? Math.sqrt(rank) : rank);
}
