/** @file The buttons that save the clip that is shown. What they do is loaded when somebody comes near them. */
import type { Container, GenerationParameters } from '../pipeline/api.ts';
import type { ClipSaver } from './clip-saver.ts';
import { button, element, select } from './elements.ts';
import type { Clip } from './history.ts';

const SCALES = [1, 2, 4, 8, 16];

/** What may be saved, and how to say that it failed. */
export interface Saving {
  readonly current: () => Clip | undefined;
  readonly onError: (error: unknown) => void;
  /** What was said to have failed is done, or is no longer wanted. */
  readonly onRecover: () => void;
}

/** @returns What to call when another clip is shown. */
export function setUpSaving(saving: Saving): { offer(parameters: GenerationParameters): void } {
  const { current, onError } = saving;
  let loading: Promise<ClipSaver> | undefined;
  const withSaver = (act: (saver: ClipSaver) => void): void => {
    loading ??= import('./clip-saver.ts').then((module) => new module.ClipSaver(saving));
    loading.then(act).catch((error: unknown) => {
      // The next attempt loads it again.
      loading = undefined;
      onError(error);
    });
  };
  for (const each of document.querySelectorAll<HTMLButtonElement>('button[data-container]')) {
    const container = each.dataset['container'] as Container;
    each.addEventListener('click', () => withSaver((saver) => void saver.save(container)));
  }

  const downloads = element('downloads', HTMLElement);
  for (const type of ['pointerenter', 'focusin']) {
    downloads.addEventListener(type, () => withSaver(() => undefined), { once: true });
  }

  const status = element('save-status', HTMLElement);
  const copy = async (what: string, text: string | undefined): Promise<void> => {
    if (text === undefined) return;
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = `${what} copied.`;
    } catch {
      status.textContent = `The browser did not allow copying. ${text}`;
    }
  };
  button('copy-parameters').addEventListener('click', () => {
    const clip = current();
    if (!clip) return;
    void import('../exact-json.mjs').then(({ stringifyExact }) =>
      copy('Parameters', stringifyExact(clip.result.parameters, 2)),
    );
  });
  button('copy-link').addEventListener('click', () => {
    const clip = current();
    if (!clip) return;
    const { settings, result } = clip;
    const { seed } = result.parameters;
    // Loaded when it is asked for: few clips are passed on.
    void import('./address.ts').then(({ addressOf }) =>
      copy('Link', addressOf({ ...settings, generate: { ...settings.generate, seed } })),
    );
  });
  return {
    offer(parameters) {
      offerScales(parameters.width, parameters.height);
      if (loading) withSaver((saver) => saver.offer(parameters));
    },
  };
}

/** Offers sizes at which a small clip is still visible in a player that blurs. */
function offerScales(width: number, height: number): void {
  const largest = Math.max(1, Math.floor(1280 / Math.max(width, height)));
  const scales = SCALES.filter((scale) => scale <= largest);
  const preferred = Math.max(
    ...scales.filter((scale) => scale * Math.max(width, height) <= 640),
    1,
  );
  const options = scales.map((scale) => {
    const label = `${width * scale} × ${height * scale}`;
    return new Option(label, String(scale), false, scale === preferred);
  });
  select('scale').replaceChildren(...options);
}
