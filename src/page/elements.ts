/** @file The page's elements by id, with their type checked once instead of asserted. */

export function element<T extends Element>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`#${id} is not a ${type.name}`);
  return found;
}

export const input = (id: string): HTMLInputElement => element(id, HTMLInputElement);
export const select = (id: string): HTMLSelectElement => element(id, HTMLSelectElement);
export const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement);

/** An empty field means the default; one with something else than a number in it is not a number. */
export function readNumber(id: string): number | undefined {
  const field = input(id);
  const { badInput, customError } = field.validity;
  if (badInput || (customError && field.value === '')) return Number.NaN;
  return field.value === '' ? undefined : field.valueAsNumber;
}

/** A new element with text or children. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: { className?: string; type?: 'button' } = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (properties.className !== undefined) made.className = properties.className;
  if (properties.type !== undefined) made.setAttribute('type', properties.type);
  made.append(...children);
  return made;
}
