/** @file Errors, with what to do about them, and notices. */
import { describeUnknown } from '../describe-unknown.ts';
import type { Notice } from '../pipeline/api.ts';
import { bringIntoView } from './bring-into-view.ts';
import { create, element } from './elements.ts';
import type { ErrorOwner } from './error-cause.ts';
import type { Fix } from './fixes.ts';

const panel = (): HTMLElement => element('error', HTMLElement);

interface ShownError {
  readonly owner: ErrorOwner;
  hasCauseChanged?: () => boolean;
}

let shown: ShownError | undefined;
let isListening = false;

export interface ErrorActions {
  applyFix(fix: Fix): void;
  trySmaller(): void;
}

/** Shows it until its owner takes it back, or the field that it is about is changed. */
export function showError(error: unknown, actions: ErrorActions, owner: ErrorOwner = 'run'): void {
  const showing: ShownError = { owner };
  shown = showing;
  const isCurrent = (): boolean => shown === showing;
  // Most visits need none of this.
  import('./error-view.ts').then(
    ({ fillError }) => {
      if (!isCurrent()) return;
      unmarkFields();
      showing.hasCauseChanged = fillError(panel(), error, actions, owner);
      reveal();
      listen();
    },
    () => {
      if (!isCurrent()) return;
      panel().textContent = describeUnknown(error);
      reveal();
    },
  );
}

function reveal(): void {
  panel().hidden = false;
  requestAnimationFrame(() => bringIntoView('error', 'error'));
}

/** @param owners Whose error is cleared. None given: any owner's. */
export function clearError(...owners: readonly ErrorOwner[]): void {
  if (owners.length > 0 && !(shown && owners.includes(shown.owner))) return;
  shown = undefined;
  panel().hidden = true;
  panel().replaceChildren();
  unmarkFields();
}

/** Buttons fill fields too, after which no event tells of it: these see both. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const type of ['input', 'change', 'click']) document.addEventListener(type, check);
}

function check(): void {
  if (shown?.hasCauseChanged?.() === true) clearError();
}

function unmarkFields(): void {
  for (const field of document.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
  }
}

export function showNotices(notices: readonly Pick<Notice, 'message'>[]): void {
  const items = notices.map(({ message }) => create('p', {}, message));
  element('notices', HTMLElement).replaceChildren(...items);
}
