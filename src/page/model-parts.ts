/**
 * @file What the form and its address say of a model's parts: `?transformer=PLACE&lora=PLACE:SCALE&lora=…`, as the
 * headless command's flags.
 */
export interface NamedParts {
  readonly transformer?: string;
  readonly textEncoderFrom?: string;
  readonly vae?: string;
  readonly loras?: readonly { readonly source: string; readonly scale: number }[];
}

/**
 * A LoRA's place, and its scale after a colon: but the number after a host is a port. Numbers that are no use as a scale
 * are read too, so that the error is about the scale and not about the place.
 */
const SCALED = /^(?![a-z]+:\/\/[^/]*$)(.*[^:/]):([+-]?(?:[\d.]+(?:e[+-]?\d+)?|infinity|nan))$/i;

/** Parts that replace the model's own, by the library's name for them. */
export const COMPONENTS = {
  transformer: 'transformer',
  textEncoderFrom: 'text-encoder',
  vae: 'vae',
} as const;

/** Ids of the fields with one place each. */
export const PART_FIELDS = Object.values(COMPONENTS);

/** A LoRA's place, and its scale as it was written. */
export function scaledPlace(text: string): { source: string; scale: string | undefined } {
  const [, source = text, scale] = SCALED.exec(text) ?? [];
  return { source, scale };
}

export function readParts(address: URLSearchParams): NamedParts {
  const components = Object.entries(COMPONENTS).map(([name, field]) => [name, address.get(field)]);
  const loras = address.getAll('lora').map((text) => {
    const { source, scale = '1' } = scaledPlace(text);
    return { source, scale: Number(scale) };
  });
  return {
    ...Object.fromEntries(components.filter(([, place]) => place)),
    ...(loras.length === 0 ? {} : { loras }),
  };
}

/** The inverse of {@link readParts}. */
export function partsParameters({ loras = [], ...parts }: NamedParts): [string, string][] {
  const names = Object.keys(COMPONENTS) as (keyof typeof COMPONENTS)[];
  return [
    ...names.flatMap((name): [string, string][] => {
      const place = parts[name];
      return place === undefined ? [] : [[COMPONENTS[name], place]];
    }),
    ...loras.map(({ source, scale }): [string, string] => [
      'lora',
      scale === 1 ? source : `${source}:${scale}`,
    ]),
  ];
}
