/** @file Checkpoints from a hub: how fast they come, and whether one of true size becomes a clip. */
import type { Benchmark } from './context.ts';
import { measureImport } from './hub-import.ts';
import { rehearse } from './rehearsal.ts';

export const hub: Benchmark = {
  title:
    'Wan 2.1 1.3B in true sizes, from a server: import, text, two steps and decode within 1 GiB',
  places: ['chromium'],
  async run(context) {
    await measureImport(context);
    await rehearse(context);
  },
};
