/** @file A model of the catalogue as a card to choose: what it is, what it takes, and what to expect of it here. */
import { formatBytes } from '../format-bytes.ts';
import type { ModelEntry, StoredModel, Verdict, VerdictLevel } from '../index.ts';
import { create } from './elements.ts';
import { licenceLinks } from './licence.ts';
import { certaintyWord } from './certainty-words.ts';

/** A sign and words: neither is told by colour alone. */
export const LEVELS: Readonly<Record<VerdictLevel, readonly [string, string]>> = {
  well: ['✓', 'Runs well'],
  streamed: ['⇉', 'Fits, streamed'],
  slow: ['◔', 'Slow here'],
  impractical: ['✕', 'Not practical here'],
  'does-not-fit': ['✕', 'Does not fit'],
};

export function showLevel(badge: HTMLElement, level: VerdictLevel | undefined): void {
  if (level === undefined) delete badge.dataset['level'];
  else badge.dataset['level'] = level;
  const [sign, words] = level === undefined ? ['', 'looking …'] : LEVELS[level];
  const mark = create('span', {}, sign);
  mark.setAttribute('aria-hidden', 'true');
  badge.replaceChildren(...(sign === '' ? [] : [mark, ' ']), words);
}

/** The card's radio button is `#model-<id>`. */
export function modelCard(entry: ModelEntry): HTMLElement {
  const { id, title, summary, generate } = entry;
  const radio = create('input');
  radio.type = 'radio';
  radio.name = 'model-choice';
  radio.value = id;
  radio.id = `model-${id}`;
  radio.setAttribute('aria-describedby', `verdict-${id} about-${id}`);
  const label = create('label', {}, create('strong', {}, title));
  label.htmlFor = radio.id;
  const badge = create('span', { className: 'verdict' });
  badge.id = `verdict-${id}`;
  showLevel(badge, undefined);
  const steps = generate.guidanceScale > 1 ? ' with guidance' : ', no guidance';
  const about = create('p', { className: 'soft' }, `${generate.numInferenceSteps} steps${steps}`);
  about.id = `about-${id}`;
  about.prepend(`${summary} · `);
  const more = create('div', { className: 'model-more soft' });
  more.append(create('p', { className: 'model-reason' }));
  const words = [...entry.notes, verifiedText(entry)].join(' ');
  more.append(create('p', {}, words), create('p', {}, ...licenceLinks(entry)));
  const head = create('div', { className: 'model-head' }, radio, label, badge);
  return create('div', { className: 'model-card' }, head, about, more);
}

export function showVerdict(card: HTMLElement, entry: ModelEntry, verdict: Verdict): void {
  const { level, reason, plan, checkpoint } = verdict;
  const badge = card.querySelector<HTMLElement>('.verdict');
  if (badge) showLevel(badge, level);
  const why = card.querySelector('.model-reason');
  if (why) why.textContent = reason;
  const about = card.querySelector(`#about-${CSS.escape(entry.id)}`);
  const most = entry.unconfirmedDtypes.length > 0 ? 'at most ' : '';
  const text =
    ` · fetches ${most}${formatBytes(checkpoint.downloadBytes)}` +
    ` · keeps ${formatBytes(plan.storedBytes)}`;
  const sizes =
    about?.querySelector('.model-bytes') ?? create('span', { className: 'model-bytes' });
  sizes.textContent = text;
  about?.append(sizes);
}

/** @param kept The model in the browser's storage, if it is there whole. */
export function showKept(card: HTMLElement, { id }: ModelEntry, kept?: StoredModel): void {
  card.querySelector('.model-kept')?.remove();
  if (!kept) return;
  const text = ` · on this machine, ${certaintyWord(kept)}`;
  const about = card.querySelector(`#about-${CSS.escape(id)}`);
  about?.append(create('span', { className: 'model-kept' }, text));
}

/** Honest words: what was tested, and with what. */
export function verifiedText({ verified }: Pick<ModelEntry, 'verified'>): string {
  const { isExactOnRandomWeights, isRehearsedAtScale, isRunAsPublished } = verified;
  if (isRunAsPublished) return 'Run with these weights.';
  const tested = [
    ...(isExactOnRandomWeights ? ['every part matches the reference on random weights'] : []),
    ...(isRehearsedAtScale ? ['its true size was rehearsed with made-up weights'] : []),
  ];
  const rest = tested.length > 0 ? `: ${tested.join('; ')}` : '';
  return `Nobody has run it here with the published weights yet${rest}.`;
}
