/** @file Which database a page keeps its models in, known without the code that opens it. */

export const DATABASE_NAME = 'zoetrope';

/**
 * Whether the database may exist. Asking costs no code: a page without a kept model need not load what reads the list.
 * Where the browser cannot answer, opening the database reports why.
 */
export async function mayHaveDatabase(): Promise<boolean> {
  try {
    const databases = await indexedDB.databases();
    return databases.some(({ name }) => name === DATABASE_NAME);
  } catch {
    return true;
  }
}
