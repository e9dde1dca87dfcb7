/** @file Finds what somebody meant who misspelt a name. */

/** More edits than this make another name. */
const MOST_EDITS = 3;

/** The name that is written most like `given`; undefined if none is like it. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const wanted = plain(given);
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of names) {
    const edits = editsBetween(wanted, plain(name));
    if (edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name, edits };
  }
  // In a short name three edits change everything.
  return best && best.edits <= Math.min(MOST_EDITS, wanted.length / 3) ? best.name : undefined;
}

/** `guidance_scale` and `guidanceScale` are the same. */
function plain(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}]/gu, '').toLowerCase();
}

/** Letters to insert, remove or replace, at the least. */
function editsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
