import { beforeAll, expect, test } from 'vitest';
import { repositoryFolder } from '../../testing/fixtures.ts';
import { ComponentFiles, type LocatedTensor } from '../../weights/component.ts';
import { checkFit, readLayout } from './layout.ts';

const WAN_21 = { channels: 16, temporalScale: 4, spatialScale: 8 };

let files: ComponentFiles;

beforeAll(async () => {
  const source = await repositoryFolder('models/parity/fixtures/taehv-21');
  files = await ComponentFiles.openFile(source, 'taew2_1.safetensors');
});

/** The fixture's file with tensors of other shapes; absent: not there. */
function altered(
  changes: Readonly<Record<string, readonly number[] | undefined>>,
): Pick<ComponentFiles, 'tensors' | 'source'> {
  const tensors = new Map<string, LocatedTensor>(files.tensors);
  const any = [...tensors.values()][0];
  for (const [name, shape] of Object.entries(changes)) {
    if (shape && any) tensors.set(name, { ...any, shape });
    else tensors.delete(name);
  }
  return { tensors, source: files.source };
}

test('everything is read from shapes', () => {
  expect(readLayout(files)).toEqual({
    latentChannels: 16,
    widths: [16, 12, 8, 8],
    growth: [1, 2, 2],
    patchSize: 1,
  });
});

test.each([
  [{ 'decoder.14.weight': undefined }, /no tensor decoder\.14\.weight/],
  [{ 'decoder.1.weight': [16, 16] }, /decoder\.1\.weight .* \[16, 16\]/],
  [{ 'decoder.13.conv.weight': [20, 12, 1, 1] }, /decoder\.13\.conv\.weight .* no whole number/],
  [{ 'decoder.22.weight': [15, 8, 3, 3] }, /decoder\.22\.weight .* 15 channels/],
  [{ 'decoder.0.weight': [512, 16, 1, 1] }, /"super"/],
])('%j is refused, naming the tensor', (changes, message) => {
  expect(() => readLayout(altered(changes))).toThrow(
    expect.objectContaining({ code: 'model-format', message: expect.stringMatching(message) }),
  );
});

test('a decoder of other latents is refused by its shape or by its published name', () => {
  const layout = readLayout(files);
  checkFit(layout, 'safetensors/taew2_1.safetensors', WAN_21);
  checkFit(layout, 'mine.safetensors', WAN_21);
  checkFit(layout, 'constructor.safetensors', WAN_21);
  expect(() => checkFit(layout, 'mine.safetensors', { ...WAN_21, channels: 48 })).toThrow(
    /16 channels, 4 × 8 × 8; this model's are of 48/,
  );
  expect(() => checkFit(layout, 'safetensors/taehv.safetensors', WAN_21)).toThrow(/HunyuanVideo/);
});
