/** @file Checks the form before a model's machine is asked for anything; loaded when one would be. */
import { checkLoad } from '../index.ts';
import { referenceOf } from './folder-drop.ts';
import { clearError, type ErrorActions, showError } from './messages.ts';
import { modelChoice, readSettings } from './settings.ts';

/** Calls `next` if the form may be right; if not, shows what is wrong. */
export async function checkForm(next: () => Promise<void>, actions: ErrorActions): Promise<void> {
  clearError();
  try {
    const { model, load, device, dtype, storage, memory, generate } = readSettings();
    const options = { ...load, device, dtype, storage, memory, clip: generate };
    await checkLoad(referenceOf(modelChoice(model).source), options);
  } catch (error) {
    showError(error, actions);
    return;
  }
  await next();
}
