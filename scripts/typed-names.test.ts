import { describe, expect, it } from 'vitest';
import { mapTexts, typedNames, withTypedNames } from './typed-names.mjs';

const SERVER = 'http://127.0.0.1:40001/';
const names = typedNames([
  { at: `${SERVER}models/my%20model`, typed: './my model/' },
  { at: `${SERVER}parts/lora-0`, typed: 'loras/x.safetensors', file: 'x.safetensors' },
  { at: `${SERVER}parts/lora-1`, typed: 'y.safetensors', file: 'y.safetensors' },
  { at: `${SERVER}parts/lora-10`, typed: '../z', file: '' },
  { at: '/home/me/models/wan', typed: '~/models/wan' },
  { at: '/same', typed: '/same' },
]);

describe('a message', () => {
  it.each([
    [`${SERVER}models/my%20model has no file a.json.`, './my model has no file a.json.'],
    [`a.json of ${SERVER}models/my%20model/: no.`, 'a.json of ./my model: no.'],
    [`a.json of ${SERVER}models/my%20model.`, 'a.json of ./my model.'],
    [`“${SERVER}models/my%20model/vae/a%C3%A4.json” is`, '“./my model/vae/aä.json” is'],
    [`at ${SERVER}models/my%20model/a.json: 404`, 'at ./my model/a.json: 404'],
    [`x.safetensors of ${SERVER}parts/lora-0/: bad`, 'loras/x.safetensors: bad'],
    [`x.safetensors of ${SERVER}parts/lora-0.`, 'loras/x.safetensors.'],
    [`LoRA ${SERVER}parts/lora-0/x.safetensors × 1`, 'LoRA loras/x.safetensors × 1'],
    [`c.json of ${SERVER}parts/lora-0/: bad`, 'c.json of loras: bad'],
    [`${SERVER}parts/lora-1/c.json, bad`, 'c.json, bad'],
    [`y.safetensors of ${SERVER}parts/lora-1`, 'y.safetensors'],
    [`a.json of /home/me/models/wan ends early`, 'a.json of ~/models/wan ends early'],
    ['/home/me/models/wan2 and /same/a', '/home/me/models/wan2 and /same/a'],
    [
      'nothing of this server: http://127.0.0.1:1/models/',
      'nothing of this server: http://127.0.0.1:1/models/',
    ],
  ])('names files as they were typed: %s', (text, expected) => {
    expect(names(text)).toBe(expected);
  });

  it('takes nothing in what was typed for a pattern', () => {
    const odd = typedNames([{ at: `${SERVER}models/a`, typed: '$& $1 (x)' }]);
    expect(odd(`in ${SERVER}models/a/b`)).toBe('in $& $1 (x)/b');
  });
});

it('every text of a value is changed, and nothing else', () => {
  const report = {
    a: [`${SERVER}parts/lora-1/y.safetensors`, 1, null],
    seed: 2n ** 64n - 1n,
    b: {},
  };
  expect(mapTexts(report, names)).toEqual({
    a: ['y.safetensors', 1, null],
    seed: 2n ** 64n - 1n,
    b: {},
  });
});

it('a failure keeps its kind', async () => {
  const error = Object.assign(new TypeError(`of ${SERVER}models/my%20model`), {
    hint: `${SERVER}parts/lora-1/`,
  });
  const failed = withTypedNames(names, () => Promise.reject(error));
  await expect(failed).rejects.toBe(error);
  expect(error).toMatchObject({ message: 'of ./my model', hint: '.' });
});
