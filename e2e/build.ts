/** @file The tests look at the built page: builds it if it is out of date. */
import { ensureBuild } from '../scripts/build.mjs';

export default function build(): void {
  if (!ensureBuild()) throw new Error('The page could not be built.');
}
