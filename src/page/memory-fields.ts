/** @file The form's memory fields. The page and its address speak of megabytes, the library of bytes. */
import type { LoadOptions, MemoryOptions, WeightsFormat } from '../pipeline/api.ts';
import { element, input, readNumber, select } from './elements.ts';

const MEGABYTE = 1e6;

/** Ids of the fields, by option. */
const FIELDS = {
  budgetBytes: 'memory',
  weights: 'weights',
  ramBytes: 'ram',
  guidance: 'guidance',
  tile: 'tile',
} as const satisfies Record<keyof MemoryOptions, string>;

type MemoryOption = keyof typeof FIELDS;

/** What the fields ask for; `auto` if they are all empty. */
export function readMemory(): NonNullable<LoadOptions['memory']> {
  const budget = readNumber(FIELDS.budgetBytes);
  const weights = select(FIELDS.weights).value as WeightsFormat | '';
  const ram = readNumber(FIELDS.ramBytes);
  const guidance = select(FIELDS.guidance).value as 'batched' | 'sequential' | '';
  const tile = readNumber(FIELDS.tile);
  const options: MemoryOptions = {
    ...(budget === undefined ? {} : { budgetBytes: Math.round(budget * MEGABYTE) }),
    ...(weights === '' ? {} : { weights }),
    ...(ram === undefined ? {} : { ramBytes: Math.round(ram * MEGABYTE) }),
    ...(guidance === '' ? {} : { guidance }),
    ...(tile === undefined ? {} : { tile }),
  };
  return Object.keys(options).length === 0 ? 'auto' : options;
}

/** The fields' names and contents for the page's address. */
export function memoryParameters(memory: NonNullable<LoadOptions['memory']>): [string, string][] {
  if (memory === 'auto') return [];
  const options = Object.entries(memory) as [MemoryOption, string | number][];
  return options.map(([option, value]) => [
    FIELDS[option],
    String(isBytes(option) ? Number(value) / MEGABYTE : value),
  ]);
}

/** The field of `memory.budgetBytes` and its like, as errors name them. */
export function memoryField(option: string): HTMLInputElement | HTMLSelectElement | undefined {
  const name = memoryOption(option);
  if (name === undefined) return undefined;
  const field = element(FIELDS[name], HTMLElement);
  return field instanceof HTMLSelectElement ? field : input(FIELDS[name]);
}

/** What the field shows for a value of the option. Bytes are rounded up: a budget must stay enough. */
export function memoryText(option: string, value: number): string {
  const isInBytes = isBytes(memoryOption(option) ?? '');
  return String(isInBytes ? Math.ceil(value / (MEGABYTE / 10)) / 10 : value);
}

function memoryOption(option: string): MemoryOption | undefined {
  const name = option.replace(/^memory\./, '');
  return name !== option && Object.hasOwn(FIELDS, name) ? (name as MemoryOption) : undefined;
}

function isBytes(option: string): boolean {
  return option.endsWith('Bytes');
}
