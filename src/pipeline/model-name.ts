/** @file What files and reports call a model. */

/** The name of its folder, not the address where it happened to be served. */
export function modelName(source: string): string {
  const name = source.split('/').findLast((part) => part !== '') ?? source;
  try {
    return source.includes('://') ? decodeURIComponent(name) : name;
  } catch {
    return name;
  }
}
