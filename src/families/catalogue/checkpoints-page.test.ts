import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import type { Precision } from '../../graph/index.ts';
import { Q4, Q8 } from '../../weights/quantize-format.ts';
import { CATALOGUE } from './entries.ts';
import type { Licence, ModelEntry } from './model-entry.ts';
import { plannedModel } from './planned-model.ts';

const PAGE = 'docs/checkpoints.md';

const FORMATS: readonly (readonly [string, Precision])[] = [
  ['f16', { linear: 'float16' }],
  ['q8', { linear: 'float32', weights: Q8 }],
  ['q4', { linear: 'float32', weights: Q4 }],
];

/** The page is written by this test: `npx vitest run --project node src/families/catalogue -u` after a change. */
test('the page of supported checkpoints says what the catalogue says', async () => {
  const options = { ...(await resolveConfig(PAGE)), parser: 'markdown' };
  const text = await format(page(), options);
  await expect(text).toMatchFileSnapshot(`../../../${PAGE}`);
});

function page(): string {
  return `# Supported checkpoints

Written from \`src/families/catalogue\` by a test. Other Wan 2.1 text-to-video checkpoints in diffusers’ layout, and
transformers in Wan’s original names, load by their repository’s name or address; what differs is refused by name.

${table(
  ['model', 'repository', 'licence', 'steps', 'sampler', 'best size'],
  CATALOGUE.map((entry) => [
    entry.title,
    sourceLink(entry),
    [entry.licence, ...entry.extras.map(({ licence }) => licence)].map(licenceLink).join('; '),
    String(entry.generate.numInferenceSteps),
    samplerOf(entry),
    entry.sizes
      .slice(0, 1)
      .map(({ width, height, numFrames }) => `${width} × ${height} × ${numFrames}`)
      .join(),
  ]),
)}

## What was verified

Unless the last column says so, nobody has run the published weights of a model yet. What the other columns mean:

- **Exact on random weights**: every part (text encoder, transformer, decoder, samplers, LoRA merge, tokenizer) is compared
  with diffusers, transformers and peft at small sizes with random weights, and whole clips of small models frame by frame
  ([\`models/parity\`](../models/parity)).
- **Rehearsed at scale**: imported and run at its true size with made-up weights, within a memory budget
  ([\`bench\`](../bench/README.md)).

${table(
  ['model', 'exact on random weights', 'rehearsed at scale', 'run with its published weights'],
  CATALOGUE.map(({ title, verified }) => [
    title,
    yes(verified.isExactOnRandomWeights),
    yes(verified.isRehearsedAtScale),
    yes(verified.isRunAsPublished),
  ]),
)}

## Bytes

Computed from the models’ configurations by the rules by which weights are kept; \`q8\` and \`q4\` quantize the linear
layers of the text encoder and of the transformer’s blocks. The decoder is kept as it comes. What is fetched is the published
element type; “at most” where that could not be confirmed.

${table(
  ['model', 'part', 'parameters', 'fetched', ...FORMATS.map(([name]) => `kept as ${name}`)],
  CATALOGUE.flatMap((entry) => {
    const model = plannedModel(entry);
    return model.components.map(({ name, parameters, bytes }) => [
      entry.title,
      name === 'text_encoder' ? 'text encoder' : name === 'vae' ? 'decoder' : name,
      `${(parameters / 1e6).toFixed(1)} M`,
      entry.unconfirmedDtypes.some((each) => each === name)
        ? `at most ${megabytes(bytes)}`
        : megabytes(bytes),
      ...FORMATS.map(([, precision]) =>
        name === 'fast_decoder' ? '' : megabytes(model.storedBytes(name, precision)),
      ),
    ]);
  }),
)}

## Notes

${CATALOGUE.map((entry) => `- **${entry.title}** (\`${entry.id}\`). ${notesOf(entry)}`).join('\n')}
`;
}

function notesOf({ notes, revision, extras, fastDecoder }: ModelEntry): string {
  const at = revision === undefined ? [] : [`Looked up at commit \`${revision.slice(0, 10)}\`.`];
  const parts = [...extras, ...(fastDecoder ? [fastDecoder] : [])].map(
    ({ what, source, licence: { name, note } }) =>
      `With it: ${what}, \`${source}\`, ${name}${note === undefined ? '' : ` (${note})`}.`,
  );
  return [...notes, ...at, ...parts].join(' ');
}

function samplerOf({ generate }: ModelEntry): string {
  const { scheduler, flowShift, guidanceScale, timesteps, sigmas } = generate;
  return [
    scheduler ?? 'its own',
    ...(timesteps ? [`timesteps ${timesteps.join(', ')}`] : []),
    ...(sigmas ? [`sigmas ${sigmas.join(', ')}`] : []),
    ...(flowShift === undefined ? [] : [`shift ${flowShift}`]),
    guidanceScale > 1 ? `guidance ${guidanceScale}` : 'no guidance',
  ].join('; ');
}

function sourceLink({ source }: ModelEntry): string {
  return source.startsWith('./')
    ? `[\`${source}\`](../${source.slice(2)})`
    : `[\`${source}\`](https://huggingface.co/${source})`;
}

function licenceLink({ name, url }: Licence): string {
  return `[${name}](${url})`;
}

function yes(isSo: boolean): string {
  return isSo ? 'yes' : 'no';
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
