/** @file `npm run plan`, as somebody would run it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { encodeSafetensors } from '../../src/testing/safetensors-file.ts';
import { ROOT } from '../packages.mjs';

const POCKET = join(ROOT, 'models/pocket');

async function plan(...args: string[]): Promise<string> {
  const script = join(ROOT, 'scripts/plan.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args]);
  return stdout;
}

/** Megabytes, as the first line tells them. */
function downloadOf(output: string): number {
  return Number(/download ([\d.]+) MB/.exec(output)?.[1]);
}

it('plans for the CPU, whose runtime counts', async () => {
  const cpu = await plan('--device', 'wasm');
  expect(cpu).toContain('weights f32');
  const peaks = [...cpu.matchAll(/'([\d.]+)' +│ '\d+ of/g)].map(([, peak]) => Number(peak));
  expect(peaks).toHaveLength(3);
  expect(Math.min(...peaks)).toBeGreaterThan(16.8);
  await expect(plan('--device', 'wasm', '--memory', '10')).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('The least that this clip can be made in is'),
  });
}, 60_000);

it('counts parts from elsewhere, and names what is merged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plan-'));
  try {
    // Large enough to be seen in megabytes: one of a block's matrices, once more.
    const config: unknown = JSON.parse(
      await readFile(join(POCKET, 'transformer/config.json'), 'utf8'),
    );
    const { num_attention_heads, attention_head_dim, ffn_dim } = config as Record<string, number>;
    const shape = [ffn_dim ?? 0, (num_attention_heads ?? 0) * (attention_head_dim ?? 0)];
    const bytes = 4 * (shape[0] ?? 0) * (shape[1] ?? 0);
    const difference = { dtype: 'F32', shape, data: new Uint8Array(bytes) };
    const file = encodeSafetensors(new Map([['diffusion_model.blocks.0.ffn.0.diff', difference]]));
    await writeFile(join(folder, 'x.safetensors'), file);
    const lora = join(folder, 'x.safetensors');
    const [plain, merged] = await Promise.all([
      plan(),
      plan('--lora', `${lora}:0.5`, '--transformer', POCKET),
    ]);
    expect(plain).toContain('transformer');
    // Both figures are rounded to a tenth.
    expect(Math.abs(downloadOf(merged) - downloadOf(plain) - bytes / 1e6)).toBeLessThan(0.11);
    expect(merged).toContain('x.safetensors × 0.5: merged into 1 tensors.');
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);

it('exits with 2 for a line that is wrong', async () => {
  await expect(plan('--weights', 'q5')).rejects.toMatchObject({ code: 2 });
});
