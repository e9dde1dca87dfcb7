/** @file The name that a misspelt one was meant to be. */

/**
 * @param {string} name As it was written.
 * @param {Iterable<string>} known
 * @returns {string | undefined} The known name that is nearest, unless none is near.
 */
export function nearest(name, known) {
  const wanted = plain(name);
  if (wanted === '') return undefined;
  let best;
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const other = plain(candidate);
    const isPart = wanted.length > 2 && (other.startsWith(wanted) || other.endsWith(wanted));
    const hasPart = other.length > 2 && wanted.startsWith(other);
    const changes = isPart ? 1 : hasPart ? 2 : distance(wanted, other);
    if (changes >= least || changes >= wanted.length) continue;
    least = changes;
    best = candidate;
  }
  return best;
}

/** `num_frames`, `--num-frames` and `numFrames` are one name. @param {string} name */
function plain(name) {
  return name.replaceAll(/[\s_-]/g, '').toLowerCase();
}

/**
 * How many letters must be changed, added or removed (Levenshtein).
 * @param {string} from
 * @param {string} to
 */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const changed = (row[j] ?? 0) + (letter === to[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
