/** @file A real trap: what onnxruntime's module throws when it breaks. */

/** A WebAssembly module whose only function, `t`, is `unreachable`. */
const MODULE = '0061736d0100000001040160000003020100070501017400000a05010300000b';

/** A function that throws a `WebAssembly.RuntimeError`. */
export async function openTrap(): Promise<() => never> {
  const bytes = Uint8Array.from(MODULE.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  const { instance } = await WebAssembly.instantiate(bytes);
  return instance.exports['t'] as () => never;
}
