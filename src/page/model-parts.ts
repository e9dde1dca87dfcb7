/**
 * @file What the address says of a model's parts: `?transformer=PLACE&lora=PLACE:SCALE&lora=…`, as the headless command's
 * flags. They have no fields in the form, and nobody is asked for them before Generate is pressed.
 */
export interface NamedParts {
  readonly transformer?: string;
  readonly loras?: readonly { readonly source: string; readonly scale: number }[];
}

/** A LoRA's place, and its scale after a colon: but the number after a host is a port. */
const SCALED = /^(?![a-z]+:\/\/[^/]*$)(.*[^:/]):(-?[\d.]+)$/;

export function readParts(address: URLSearchParams): NamedParts {
  const transformer = address.get('transformer');
  const loras = address.getAll('lora').map((text) => {
    const [, source = text, scale = '1'] = SCALED.exec(text) ?? [];
    return { source, scale: Number(scale) };
  });
  return {
    ...(transformer === null ? {} : { transformer }),
    ...(loras.length === 0 ? {} : { loras }),
  };
}

/** The inverse of {@link readParts}. */
export function partsParameters({ transformer, loras = [] }: NamedParts): [string, string][] {
  return [
    ...(transformer === undefined ? [] : [['transformer', transformer] as [string, string]]),
    ...loras.map(({ source, scale }): [string, string] => [
      'lora',
      scale === 1 ? source : `${source}:${scale}`,
    ]),
  ];
}
