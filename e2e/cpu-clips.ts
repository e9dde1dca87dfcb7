/** @file Clips of the bundled model whose memory on the CPU is measured, by what they take: the memory never shrinks. */
export const CPU_CLIPS = [
  {
    clip: { width: 32, height: 32, numFrames: 5, guidanceScale: 4 },
    memory: { budgetBytes: 28e6 },
  },
  { clip: { width: 64, height: 64, numFrames: 1, guidanceScale: 1 }, memory: { weights: 'q8' } },
  { clip: { width: 96, height: 96, numFrames: 5, guidanceScale: 1 }, memory: {} },
] as const;
