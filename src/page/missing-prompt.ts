/** @file What the page says to an empty prompt, which the library encodes: on the page it was forgotten. */
import { invalidArgument } from '../errors.ts';
import { element } from './elements.ts';
import { clearError, type ErrorActions, showError } from './messages.ts';

export function askForPrompt(actions: ErrorActions): void {
  const hint = 'Describe what the video should show.';
  clearError();
  showError(invalidArgument('prompt', 'it is empty.', hint), actions);
  element('prompt', HTMLTextAreaElement).focus();
}
