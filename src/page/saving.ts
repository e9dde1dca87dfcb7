/** @file Saves the clip that is shown: as a video, a GIF or numbered pictures, and its parameters as text. */
import { isAbortError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Container } from '../pipeline/api.ts';
import { button, element, select } from './elements.ts';
import type { Clip } from './history.ts';

const SCALES = [1, 2, 4, 8, 16];

/** What may be saved, and how to say that it failed. */
export interface Saving {
  readonly current: () => Clip | undefined;
  readonly onError: (error: unknown) => void;
}

export function setUpSaving({ current, onError }: Saving): void {
  const status = element('save-status', HTMLElement);
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('button[data-container]')];
  let isSaving = false;

  const save = async (container: Container): Promise<void> => {
    const clip = current();
    if (!clip || isSaving) return;
    isSaving = true;
    setDisabled(buttons, true);
    status.textContent = `Encoding ${container} …`;
    try {
      const scale = Number(select('scale').value);
      const encoded = await clip.result.encode({ container, scale });
      const { download } = await import('./download.ts');
      const file = await download(encoded, clip.result.parameters);
      status.textContent = `${file.name}, ${formatBytes(file.size)} (${encoded.codec})`;
    } catch (error) {
      status.textContent = '';
      if (!isAbortError(error)) onError(error);
    } finally {
      isSaving = false;
      setDisabled(buttons, false);
    }
  };
  for (const each of buttons) {
    each.addEventListener('click', () => void save(each.dataset['container'] as Container));
  }

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
  button('copy-link').addEventListener('click', () => void copy('Link', current()?.address));
}

/** Offers sizes at which a small clip is still visible in a player that blurs. */
export function offerScales(width: number, height: number): void {
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

function setDisabled(buttons: readonly HTMLButtonElement[], disabled: boolean): void {
  // Not the `disabled` attribute: the pressed button would lose the focus.
  for (const each of buttons) each.setAttribute('aria-disabled', String(disabled));
}
