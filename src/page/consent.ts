/**
 * @file No other machine is asked anything before the user says so: which ones looking at a model would ask, and what was
 * agreed to. What the catalogue says of its models, and of the fast decoders that it names, needs no asking.
 */
import { isOwnDecoder } from './fast-decoder.ts';
import { hostOf } from './model-choice.ts';
import { addedParts, modelChoice, type Settings } from './settings.ts';

type Chosen = Pick<Settings, 'model' | 'load'>;

/** Whether the catalogue knows all that a plan needs. */
export function isDescribed({ model, load }: Chosen): boolean {
  const { entry, isRemote } = modelChoice(model);
  const { fastDecoder } = load;
  const isKnown = fastDecoder === undefined || isOwnDecoder(entry, fastDecoder);
  const isAsListed = addedParts({ model, load }).length === 0;
  return entry !== undefined && isRemote && isKnown && isAsListed;
}

export class Consent {
  readonly #given = new Set<string>();

  /** The user wants to know what is there. */
  give(chosen: Chosen): void {
    this.#given.add(keyOf(chosen));
  }

  /**
   * Machines that would be asked for headers and have not been agreed to.
   * @throws ZoetropeError `invalid-argument` for a place that cannot be one.
   */
  missing(chosen: Chosen): readonly string[] {
    if (isDescribed(chosen) || this.#given.has(keyOf(chosen))) return [];
    const { source } = modelChoice(chosen.model);
    const { fastDecoder, transformer, textEncoderFrom, vae, loras = [] } = chosen.load;
    const places = [source, fastDecoder, transformer, textEncoderFrom, vae];
    const named = [...places, ...loras.map((lora) => lora.source)];
    const hosts = named.flatMap((place) =>
      place === undefined ? [] : (hostOf(place, document.baseURI) ?? []),
    );
    return [...new Set(hosts)];
  }
}

/** The same for the same model with the same parts. */
export function keyOf({ model, load }: Chosen): string {
  return JSON.stringify([model, { ...load, token: undefined }]);
}

/** What is not known yet, and what learning it would take. */
export function askingText(hosts: readonly string[]): string {
  return (
    `Press Check to read what this takes: configurations and headers from ${hosts.join(', ')}, ` +
    'a few kilobytes and none of the weights.'
  );
}
