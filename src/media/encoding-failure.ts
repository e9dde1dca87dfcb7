/** @file An error for encoders of the browser and of libraries that give up. */
import { describeUnknown } from '../describe-unknown.ts';
import { ZoetropeError } from '../errors.ts';

/** Runs `encode`; what it throws becomes a `feature-missing` error, its own kind excepted. */
export async function withEncodingErrors<T>(format: string, encode: () => Promise<T>): Promise<T> {
  try {
    return await encode();
  } catch (cause) {
    if (cause instanceof ZoetropeError) throw cause;
    throw new ZoetropeError(
      'feature-missing',
      `Encoding as ${format} failed: ${describeUnknown(cause)}`,
      'Try another container or codec, or a smaller scale.',
      { cause },
    );
  }
}
