/** @file Sentences of a model's vocabulary: made from choices, drawn at random, and read back into choices. */
import type { PromptLists } from '../family.ts';
import { readParts, type SentencePart } from './sentence-parts.ts';

/** What a sentence is made of: texts of the lists. `''`: it says nothing of it. */
export interface PromptChoice {
  readonly colour: string;
  readonly subject: string;
  readonly motion: string;
  /** To another subject. */
  readonly relation: string;
  /** `''` without a relation, like `otherSubject`. */
  readonly otherColour: string;
  readonly otherSubject: string;
  readonly ground: string;
  readonly camera: string;
}

const NOTHING: PromptChoice = {
  colour: '',
  subject: '',
  motion: '',
  relation: '',
  otherColour: '',
  otherSubject: '',
  ground: '',
  camera: '',
};

/** Of the words that follow an article here, those that begin with the letter of a vowel begin with its sound. */
export const articleFor = (words: string): 'a' | 'an' => (/^[aeiou]/i.test(words) ? 'an' : 'a');

const noun = (colour: string, subject: string): string =>
  `${articleFor(colour)} ${colour} ${subject}`;

/**
 * “a red ball bounces left of an orange star at night”; “a red ball at night, the camera pans left”.
 */
export function promptSentence(choice: PromptChoice): string {
  const { colour, subject, motion, relation, otherColour, otherSubject, ground, camera } = choice;
  const words = [noun(colour, subject)];
  if (motion !== '') words.push(motion);
  if (relation !== '') words.push(relation, noun(otherColour, otherSubject));
  if (ground !== '') words.push(ground);
  return words.join(' ') + (camera === '' ? '' : `, ${camera}`);
}

/**
 * The choice behind a sentence, whatever its case and article and whether or not a full stop ends it; undefined for one
 * that the lists do not make.
 */
export function readSentence(lists: PromptLists, sentence: string): PromptChoice | undefined {
  const { colours, subjects, motions, relations, grounds, cameras } = lists;
  const article = { texts: ['a ', 'an '], isOptional: true };
  const optional = { isOptional: true };
  const parts: readonly SentencePart[] = [
    article,
    { name: 'colour', texts: colours, after: ' ' },
    { name: 'subject', texts: subjects },
    { name: 'motion', texts: motions, before: ' ', ...optional },
    // Without a relation there is no other subject.
    { name: 'relation', texts: relations, before: ' ', after: ' ', ...optional, leavesOut: 3 },
    article,
    { name: 'otherColour', texts: colours, after: ' ' },
    { name: 'otherSubject', texts: subjects },
    { name: 'ground', texts: grounds, before: ' ', ...optional },
    { name: 'camera', texts: cameras, before: ', ', ...optional },
    { texts: ['.'], ...optional },
  ];
  const words = sentence.trim().replace(/\s+/g, ' ').toLowerCase();
  const found = readParts(words, parts);
  if (!found) return undefined;
  const choice = { ...NOTHING, ...found };
  return wasShown(lists, choice) ? choice : undefined;
}

/** Either the subject moves or the camera does; beside another subject, some motions were not shown. */
function wasShown(
  { motions, pairMotions = motions }: PromptLists,
  { motion, relation, camera }: PromptChoice,
): boolean {
  if (relation !== '') return camera === '' && pairMotions.includes(motion);
  return (motion === '') !== (camera === '');
}

/** `choice` with another text for one part. What was not shown together with it is left out, to be filled in anew. */
export function changeChoice(
  { motions, pairMotions = motions }: PromptLists,
  choice: Partial<PromptChoice>,
  part: keyof PromptChoice,
  text: string,
): Partial<PromptChoice> {
  const changed = { ...choice, [part]: text };
  if (text === '') return changed;
  if (part === 'camera') return { ...changed, motion: '', relation: '' };
  if (part === 'motion') {
    return { ...changed, camera: '', ...(pairMotions.includes(text) ? {} : { relation: '' }) };
  }
  if (part === 'relation') {
    const { motion = '' } = choice;
    return { ...changed, camera: '', motion: pairMotions.includes(motion) ? motion : '' };
  }
  return changed;
}

/**
 * Fills in what a choice leaves open, at random. What a sentence can do without (relation, ground, camera) is drawn only
 * where it is undefined; the rest also where it is `''`. Two subjects differ in colour and kind, and none has a colour
 * that its ground names, as far as the lists allow.
 * @param given Of a relation and a camera, or a motion and a camera, at most one.
 * @param random In [0, 1), as `Math.random`.
 */
export function completeChoice(
  lists: PromptLists,
  given: Partial<PromptChoice> = {},
  random: () => number = Math.random,
): PromptChoice {
  const pick = (texts: readonly string[], avoid: readonly string[] = []): string => {
    const others = texts.filter((text) => !avoid.includes(text));
    const from = others.length > 0 ? others : texts;
    return from[Math.floor(random() * from.length)] ?? '';
  };
  const sometimes = (chance: number, texts: readonly string[]): string =>
    random() < chance ? pick(texts) : '';
  const { colours, subjects, motions, pairMotions = motions, relations, grounds, cameras } = lists;
  const moves = given.motion ?? '';
  const mayPair = given.camera ? false : moves === '' || pairMotions.includes(moves);
  const relation = given.relation ?? (mayPair ? sometimes(0.3, relations) : '');
  const hasOther = relation !== '';
  const camera = given.camera ?? (hasOther || moves !== '' ? '' : sometimes(0.15, cameras));
  const ground = given.ground ?? sometimes(0.8, grounds);
  const named = ground.split(' ');
  const other = hasOther ? [given.otherColour ?? '', given.otherSubject ?? ''] : [];
  const colour = given.colour || pick(colours, [...named, ...other]);
  const subject = given.subject || pick(subjects, other);
  return {
    colour,
    subject,
    motion: moves === '' && camera === '' ? pick(hasOther ? pairMotions : motions) : moves,
    relation,
    otherColour: hasOther ? given.otherColour || pick(colours, [...named, colour]) : '',
    otherSubject: hasOther ? given.otherSubject || pick(subjects, [subject]) : '',
    ground,
    camera,
  };
}
