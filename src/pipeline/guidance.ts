/** @file Classifier-free guidance (Ho & Salimans 2022), as diffusers writes it. */

/** `unconditional + scale · (conditional − unconditional)`, in float32, written over `conditional`. */
export function applyGuidance(
  conditional: Float32Array,
  unconditional: Float32Array,
  scale: number,
): void {
  for (let i = 0; i < conditional.length; i++) {
    const base = unconditional[i] ?? 0;
    const difference = Math.fround((conditional[i] ?? 0) - base);
    conditional[i] = base + Math.fround(scale * difference);
  }
}
