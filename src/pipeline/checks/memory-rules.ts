/** @file What the memory options of a pipeline may be. */
import { invalidArgument } from '../../errors.ts';
import type { LoadOptions, MemoryOptions, WeightsFormat } from '../api.ts';
import { checkOptions, oneOf, type Rule, type Rules, wrongType } from './rules.ts';

const FORMATS: readonly WeightsFormat[] = ['f32', 'f16', 'q8', 'q4'];
const COMPONENTS: readonly string[] = ['text_encoder', 'transformer', 'vae'];

const RULES: Rules<MemoryOptions> = {
  budgetBytes: aboveZero('bytes', 'Leave it out for no limit.'),
  weights: checkFormats,
  ramBytes: aboveZero('bytes', 'Leave it out for no limit.'),
  guidance: oneOf(['batched', 'sequential']),
  tile: aboveZero('pixels', 'Leave it out for whole frames.'),
};

/** @throws ZoetropeError `invalid-argument`, naming the option as `memory.budgetBytes`. */
export function checkMemory({
  memory,
  storage,
}: {
  readonly memory?: LoadOptions['memory'] | undefined;
  readonly storage?: boolean | undefined;
}): void {
  if (memory === undefined || memory === 'auto') return;
  if (typeof memory !== 'object') {
    throw wrongType('memory', memory, "'auto' or an object such as { budgetBytes: 512e6 }");
  }
  checkOptions(memory, RULES, 'memory.');
  if (memory.ramBytes === undefined || storage === true) return;
  throw invalidArgument(
    'memory.ramBytes',
    'without storage all weights are in RAM anyway.',
    'Add storage: true to read weights from storage, and keep this much of them in RAM.',
  );
}

function aboveZero(unit: string, hint: string): Rule {
  return (value, name) => {
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return;
    const shown = typeof value === 'string' ? `“${value}”` : String(value);
    throw invalidArgument(name, `${shown} is not a number of ${unit} above zero.`, hint);
  };
}

function checkFormats(weights: unknown, name: string): void {
  const isForEach = typeof weights === 'object' && weights !== null;
  for (const [component, format] of Object.entries(isForEach ? weights : { any: weights })) {
    const isKnown = !isForEach || COMPONENTS.includes(component);
    const isFormat = (FORMATS as readonly unknown[]).includes(format);
    if (isKnown && (isFormat || format === undefined)) continue;
    throw invalidArgument(
      name,
      isKnown ? `${String(format)} is not a format.` : `${component} is not a component.`,
      `Choose one of ${FORMATS.join(', ')}, for all or for some of ${COMPONENTS.join(', ')}.`,
    );
  }
}
