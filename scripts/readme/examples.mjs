/** @file The blocks of code in README.md and docs/*.md, and what those in TypeScript take for granted. Read when a test runs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../packages.mjs';

/**
 * @typedef {object} Example
 * @property {string} title File and line, as an editor opens them: `README.md:81`.
 * @property {string} language
 * @property {string} code
 */

/**
 * Names that examples use without declaring them. The text says what they are: a reader brings his own.
 * @type {Record<string, string>}
 */
const TAKEN_FOR_GRANTED = {
  draw: `const draw = (image: ImageData): void => {
  (globalThis as { drawn?: ImageData[] }).drawn?.push(image);
};`,
  pipeline: `import { VideoPipeline as Taken } from 'zoetrope';
await using pipeline = await Taken.fromPretrained('./models/pocket');`,
  other: `import { VideoPipeline as Other } from 'zoetrope';
await using other = await Other.fromPretrained('./models/pocket', { textEncoder: false });`,
};

/**
 * @param {string} name Of the file, for titles.
 * @param {string} text Markdown.
 * @returns {Example[]}
 */
export function examplesIn(name, text) {
  /** @type {Example[]} */
  const examples = [];
  for (const match of text.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    const [, language = '', code = ''] = match;
    const line = text.slice(0, match.index).split('\n').length + 1;
    examples.push({ title: `${name}:${line}`, language, code });
  }
  return examples;
}

/** @returns {Example[]} */
export function documentedExamples() {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)].flatMap((name) =>
    examplesIn(name, readFileSync(join(ROOT, name), 'utf8')),
  );
}

/**
 * A module of the example: its text, unmodified, after what it takes for granted.
 * @param {Example} example
 */
export function moduleOf({ code }) {
  const taken = Object.entries(TAKEN_FOR_GRANTED).filter(
    ([name]) =>
      new RegExp(`\\b${name}\\b[.(]`).test(code) &&
      !new RegExp(`(?:const|using) ${name}\\b`).test(code),
  );
  return `${taken.map(([, text]) => text).join('\n')}\n${code}\nexport {};\n`;
}

const LIST = 'virtual:readme-examples';
const MODULE = 'virtual:readme-example/';

/**
 * A Vite plugin: `virtual:readme-examples` has the examples in TypeScript, each with a function that runs it.
 * @returns {import('vite').Plugin}
 */
export function readmeExamplesPlugin() {
  const examples = documentedExamples().filter(({ language }) => language === 'ts');
  return {
    name: 'readme-examples',
    enforce: 'pre',
    resolveId(id, importer) {
      if (id === LIST) return `\0${LIST}`;
      if (id.startsWith(MODULE)) return join(ROOT, `${id.slice(MODULE.length)}.readme-example.ts`);
      if (id === 'zoetrope' && importer?.includes('.readme-example.ts'))
        return join(ROOT, 'src/index.ts');
      return undefined;
    },
    load(id) {
      if (id === `\0${LIST}`) {
        const entries = examples.map(
          ({ title, code }, i) =>
            `{ title: ${JSON.stringify(title)}, code: ${JSON.stringify(code)}, run: () => import('${MODULE}${i}') }`,
        );
        return `export const examples = [${entries.join(',\n')}];`;
      }
      const [, index] = /(\d+)\.readme-example\.ts$/.exec(id) ?? [];
      const example = index === undefined ? undefined : examples[Number(index)];
      return example && moduleOf(example);
    },
  };
}
