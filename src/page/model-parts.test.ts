import { expect, test } from 'vitest';
import { partsParameters, readParts } from './model-parts.ts';

test.each([
  ['', {}],
  ['lora=owner/x', { loras: [{ source: 'owner/x', scale: 1 }] }],
  ['lora=https://host:8080', { loras: [{ source: 'https://host:8080', scale: 1 }] }],
  [
    'transformer=owner/fast&lora=owner/x:0.5&lora=https://host:80/y.safetensors:-1',
    {
      transformer: 'owner/fast',
      loras: [
        { source: 'owner/x', scale: 0.5 },
        { source: 'https://host:80/y.safetensors', scale: -1 },
      ],
    },
  ],
  [
    'text-encoder=owner/text&vae=https://host/vae.safetensors',
    { textEncoderFrom: 'owner/text', vae: 'https://host/vae.safetensors' },
  ],
])('%j is read, and written again', (address, parts) => {
  expect(readParts(new URLSearchParams(address))).toEqual(parts);
  expect(readParts(new URLSearchParams(partsParameters(parts)))).toEqual(parts);
});

test.each([
  ['1e30', 1e30],
  ['-1E+3', -1000],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
  ['1.2.3', Number.NaN],
])('“%s” after a place is a scale, if a useless one', (text, scale) => {
  const address = new URLSearchParams({ lora: `owner/x:${text}` });
  expect(readParts(address)).toEqual({ loras: [{ source: 'owner/x', scale }] });
});
