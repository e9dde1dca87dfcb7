import { describe, expect, it } from 'vitest';
import tokenizerJson from '../../models/pocket/tokenizer/tokenizer.json' with { type: 'json' };
import tokenizerConfig from '../../models/pocket/tokenizer/tokenizer_config.json' with { type: 'json' };
import { loadTokenizer } from '../families/text/tokenizer.ts';
import { textsOf } from './prompt-encoder.ts';

const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig);

function idsOf(prompt: string, negativePrompt: string) {
  const { texts } = textsOf(
    { tokenizer },
    { prompt, negativePrompt, guidanceScale: 4, maxSequenceLength: 64 },
    {},
  );
  return texts.map(({ ids }) => ids);
}

describe('textsOf', () => {
  it('repairs the prompt and the negative prompt before they become tokens', () => {
    const meant = idsOf('a cat\'s "slow walk"', 'café, blurry');
    expect(idsOf('\ufeffa catâ€™s “slow\u00a0walk”\n', ' ｃafÃ©,\x1b[0m blurry')).toEqual(meant);
    expect(meant[0]).not.toEqual(meant[1]);
  });
});
