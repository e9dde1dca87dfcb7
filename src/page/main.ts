/** @file The page: wires the form, the run, the player and the panels together. */
import { type CheckpointReport, type FrameGroup, inspectCheckpoint } from '../index.ts';
import { bringIntoView, isInView } from './bring-into-view.ts';
import { Consent, isDescribed, keyOf } from './consent.ts';
import { exposeForDriving } from './driving.ts';
import { setUpDrum } from './drum.ts';
import { button, element, input, select } from './elements.ts';
import { openFolder, referenceOf, setUpFolders } from './folder-drop.ts';
import { type Clip, ClipHistory } from './history.ts';
import { showDevice, showDownload } from './machine.ts';
import { clearError, showError } from './messages.ts';
import { ModelPicker } from './model-picker.ts';
import { Planning } from './planning.ts';
import { Player } from './player.ts';
import { setUpPlayerControls } from './player-controls.ts';
import { PromptAids } from './prompt-aids.ts';
import { promptsBeside } from './prompts-beside.ts';
import { Run, setStage } from './run.ts';
import { setUpSaving } from './saving.ts';
import {
  applyAddress,
  applyCheckpoint,
  applyModel,
  DEFAULT_MODEL,
  modelChoice,
  readSettings,
  RECOMMENDED,
  setOption,
  setUpSeed,
} from './settings.ts';
import { StoredView } from './stored-view.ts';
import { setUpTheme } from './theme.ts';
import { Timeline } from './timeline.ts';

const canvas = element('canvas', HTMLCanvasElement);
const player = new Player(canvas);
const timeline = new Timeline();
const consent = new Consent();
const planning = new Planning(consent, (settings) => run.isLoaded(settings));
const promptAids = new PromptAids();
let current: Clip | undefined;
let checkpoint: CheckpointReport | undefined;
/** Ends the look at a model that is no longer wanted. */
let looking: AbortController | undefined;
/** What is to be kept when the chosen model's recommendations are filled in; undefined: they were. */
let unfilled: ReadonlySet<string> | undefined;

const errorActions = {
  applyFix({ option, value }: { option: string; value: number }): void {
    setOption(option, value);
    planning.refresh();
    clearError();
    button('generate').focus();
  },
  trySmaller(): void {
    const multiple = checkpoint?.constraints.sizeMultiple ?? 16;
    for (const side of ['width', 'height']) {
      const half = Math.floor(input(side).valueAsNumber / 2 / multiple) * multiple;
      setOption(side, Math.max(multiple, half));
    }
    planning.refresh();
    clearError();
    button('generate').focus();
  },
};

const history = new ClipHistory((clip) => {
  void choose(clip, (error) => showError(error, errorActions, 'clip')).then(() =>
    requestAnimationFrame(() => bringIntoView('stage', 'player')),
  );
});
const run = new Run(player, timeline, {
  errorActions,
  onStart: () => stored.setRunning(true),
  onEnd() {
    void stored.refresh();
    // What was fetched may be kept now.
    planning.refresh();
  },
  onResult(result, settings, memory) {
    const clip = { result, settings, memory };
    clearError('run', 'save', 'clip');
    history.add(clip, canvas);
    player.complete();
    const wasSeen = isInView('stage');
    present(clip);
    // The player's controls have come below; a page that was scrolled elsewhere stays there.
    if (wasSeen) requestAnimationFrame(() => bringIntoView('stage', 'player'));
  },
  onNoResult() {
    // The failure of the run is shown already.
    if (current) void choose(current, () => undefined);
  },
});
const stored = new StoredView({
  isRunning: () => run.isRunning,
  release: () => run.release(),
  onList: (models) => picker.showKept(models),
  onChange: () => planning.refresh(),
  verifyOptions({ source }) {
    const { token } = readSettings().load;
    const folder = openFolder(source);
    return { ...(token === undefined ? {} : { token }), ...(folder ? { folder } : {}) };
  },
});

/** Shows what belongs to the clip in the player. */
function present(clip: Clip): void {
  current = clip;
  const { parameters, seconds, memory } = clip.result;
  const { prompt, seed, width, height, numFrames, numInferenceSteps, device, dtype } = parameters;
  canvas.setAttribute('aria-label', `Clip: ${prompt}`);
  element('summary', HTMLElement).textContent =
    `${width} × ${height}, ${numFrames} frames, ${numInferenceSteps} steps, seed ${seed}. ` +
    `${seconds.total.toFixed(1)} s on ${device} in ${dtype}, ` +
    `at most ${(memory.peakBytes / 1e6).toFixed(0)} MB.`;
  saving.offer(clip.result.parameters);
  timeline.show(clip.memory);
  element('player', HTMLElement).hidden = false;
  history.markCurrent(clip);
}

/** Brings a clip of the history back into the player. */
async function choose(clip: Clip, onError: (error: unknown) => void): Promise<void> {
  if (run.isRunning) return;
  clearError('save', 'clip');
  let groups: readonly FrameGroup[];
  try {
    groups = await clip.result.frames();
  } catch (error) {
    // The worker that had its frames has ended.
    history.remove(clip);
    if (current === clip) current = undefined;
    onError(error);
    return;
  }
  const wasPlaying = player.isPlaying;
  player.clear(clip.result.parameters.frameRate);
  for (const group of groups) player.append(group);
  player.complete();
  setStage('playing');
  if (wasPlaying) player.play();
  present(clip);
}

const picker = new ModelPicker({
  onChoose() {
    clearError();
    picker.show();
    promptAids.show(undefined);
    void lookAt(new Set());
  },
  onParts: lookAtParts,
  onCheck: () => void check(),
});

/** Verdicts, plan and licence depend on them too. */
function lookAtParts(): void {
  clearError();
  picker.reassess();
  void lookAt(unfilled ?? RECOMMENDED);
}

/** Reads the model's headers, on whichever machine they are. */
async function check(): Promise<void> {
  clearError();
  picker.show();
  promptAids.show(undefined);
  if (picker.reference()) consent.give(readSettings());
  await lookAt(new Set());
}

/** Says what the chosen model is and what it will fetch: from the catalogue, or from its headers. */
async function lookAt(chosen: ReadonlySet<string>): Promise<void> {
  const target = element('download-report', HTMLElement);
  unfilled = chosen;
  looking?.abort();
  looking = new AbortController();
  const { signal } = looking;
  const settings = readSettings();
  const { model, load } = settings;
  try {
    const { source, entry, isRemote } = modelChoice(model);
    const hosts = consent.missing(settings);
    if (hosts.length > 0) {
      planning.ask(hosts);
      target.textContent = 'not looked at yet.';
      return;
    }
    if (entry && !isRemote) {
      void promptsBeside(source).then((prompts) => {
        if (prompts && readSettings().model === model) promptAids.show(prompts);
      });
    }
    const verdict = entry && isRemote ? await picker.verdict(entry.id) : undefined;
    const report =
      verdict && isDescribed(settings)
        ? verdict.checkpoint
        : await inspectCheckpoint(referenceOf(source), { ...load, signal });
    // Another one was chosen in the meantime.
    if (signal.aborted || keyOf(readSettings()) !== keyOf(settings)) return;
    checkpoint = report;
    clearError('model', 'folder');
    showDownload(report);
    promptAids.show(report.prompts);
    applyCheckpoint(report, chosen);
    // With other parts it is the same model: what the user has set since stays.
    if (entry && verdict && chosen !== RECOMMENDED) applyModel(entry, verdict, chosen);
    unfilled = undefined;
    planning.look(report);
  } catch (error) {
    if (signal.aborted || keyOf(readSettings()) !== keyOf(settings)) return;
    element('models', HTMLDetailsElement).open = true;
    planning.stop('The model could not be read.');
    target.textContent = 'unknown: the model could not be read.';
    showError(error, errorActions, 'model');
  }
}

function setUpForm(): void {
  element('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    start();
  });
  // Enter generates in every field, although the settings stand below the viewer. A group of radios must not be split.
  for (const field of document.querySelectorAll('#settings input:not([type=radio])')) {
    field.setAttribute('form', 'form');
  }
  button('cancel').addEventListener('click', () => run.cancel());
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') run.cancel();
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      start();
    }
  });
  select('device').addEventListener('change', () => {
    void showDevice(readSettings().device);
  });
  input('fast-decoder').addEventListener('change', lookAtParts);
  button('plan-check').addEventListener('click', () => {
    button('generate').focus();
    void check();
  });
}

/** A model that was not looked at yet is: what it is and takes is told before its weights are fetched. */
function start(): void {
  if (readSettings().generate.prompt.trim() === '') {
    if (!run.isRunning)
      void import('./missing-prompt.ts').then((ask) => ask.askForPrompt(errorActions));
  } else if (needsCheck()) {
    void import('./check-form.ts').then((form) => form.checkForm(check, errorActions));
  } else void run.start();
}

/** What cannot be read is told by the run. */
function needsCheck(): boolean {
  try {
    return consent.missing(readSettings()).length > 0;
  } catch {
    return false;
  }
}

setUpTheme();
setUpDrum();
setUpSeed();
setUpForm();
setUpPlayerControls(player);
const saving = setUpSaving({
  current: () => current,
  onError: (error) => showError(error, errorActions, 'save'),
  onRecover: () => clearError('save'),
});
exposeForDriving();
setUpFolders({
  onChoose(model) {
    input('model').value = model;
    void check();
  },
  onError: (error) => showError(error, errorActions, 'folder'),
});

const given = applyAddress(new URLSearchParams(location.search));
if (input('model').value === '') input('model').value = DEFAULT_MODEL;
picker.show();
void showDevice(readSettings().device);
void lookAt(given);
void stored.refresh();
