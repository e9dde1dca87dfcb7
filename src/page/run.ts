/** @file One run at a time, from the button to the clip in the player. */
import { isAbortError, ZoetropeError } from '../errors.ts';
import {
  DownloadPaused,
  type Progress,
  probeDevice,
  type VideoResult,
  WorkerEnded,
} from '../index.ts';
import { bringIntoView } from './bring-into-view.ts';
import { setDrumSteppedByHand, stepDrum } from './drum.ts';
import { button, element } from './elements.ts';
import { Engine } from './engine.ts';
import { clearError, type ErrorActions, showError, showNotices } from './messages.ts';
import type { MemoryRecord } from './memory-record.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { Player } from './player.ts';
import { PreviewView } from './preview-view.ts';
import { ProgressView } from './progress-view.ts';
import { Pausing } from './pausing.ts';
import { readSettings, type Settings, showSeed } from './settings.ts';
import type { Timeline } from './timeline.ts';

export interface RunEvents {
  readonly onStart: () => void;
  readonly onResult: (result: VideoResult, settings: Settings, memory: MemoryRecord) => void;
  /** Cancelled or failed: the viewer is free for an older clip. */
  readonly onNoResult: () => void;
  /** After either. */
  readonly onEnd: () => void;
  readonly errorActions: ErrorActions;
}

const prefersStill = matchMedia('(prefers-reduced-motion: reduce)');

export class Run {
  readonly #engine = new Engine();
  readonly #progress = new ProgressView();
  readonly #pausing = new Pausing(() => void this.start());
  readonly #preview = new PreviewView();
  readonly #player: Player;
  readonly #timeline: Timeline;
  readonly #events: RunEvents;
  #controller: AbortController | undefined;

  constructor(player: Player, timeline: Timeline, events: RunEvents) {
    this.#player = player;
    this.#timeline = timeline;
    this.#events = events;
  }

  get isRunning(): boolean {
    return this.#controller !== undefined;
  }

  /** Whether a run with these settings finds its model loaded. */
  isLoaded(settings: Settings): boolean {
    return this.#engine.loaded(settings) !== undefined;
  }

  /** Lets go of the loaded model, unless it is in use. */
  async release(): Promise<void> {
    if (!this.isRunning) await this.#engine.release();
  }

  cancel(): void {
    if (!this.#controller || this.#controller.signal.aborted) return;
    this.#progress.cancelling();
    this.#controller.abort();
  }

  async start(): Promise<void> {
    if (this.#controller) return;
    const settings = readSettings();
    const controller = new AbortController();
    this.#controller = controller;
    this.#begin();
    const { memory } = settings;
    const watch = new MemoryWatch(
      this.#timeline,
      memory === 'auto' ? undefined : memory.budgetBytes,
    );
    try {
      const result = await this.#generate(settings, watch, controller.signal);
      watch.end();
      this.#progress.announce('The clip is ready.');
      showSeed(result.parameters.seed);
      showNotices(result.notices);
      this.#end();
      this.#events.onResult(result, settings, watch.record);
    } catch (error) {
      watch.end();
      if (error instanceof DownloadPaused) this.#progress.announce('The download is paused.');
      // An end that was not asked for is a failure, whatever it calls itself.
      else if (isAbortError(error) && controller.signal.aborted) this.#showCancelled(error);
      else {
        // The phase that was announced is over; the error announces itself.
        this.#progress.announce('');
        showError(error, this.#events.errorActions);
      }
      // Its weights are gone: the next run loads the model again.
      if (error instanceof ZoetropeError && error.code === 'storage-lost') {
        await this.#engine.release().catch(() => undefined);
      }
      this.#player.clear(1);
      setStage('idle');
      this.#end();
      this.#events.onNoResult();
      if (error instanceof DownloadPaused) this.#pausing.tell(error);
    }
    this.#events.onEnd();
  }

  /** A cancel that cost the loaded model says so. */
  #showCancelled(error: unknown): void {
    this.#progress.announce('Cancelled.');
    if (!(error instanceof WorkerEnded)) return;
    showNotices([error]);
  }

  async #generate(
    { generate, ...load }: Settings,
    watch: MemoryWatch,
    signal: AbortSignal,
  ): Promise<VideoResult> {
    const onProgress = (progress: Progress): void => {
      this.#progress.show(progress);
      this.#pausing.show(progress);
      watch.progress(progress);
      stepDrum();
    };
    const { device, isSoftware } = await probeDevice(load.device, { signal });
    setDrumSteppedByHand(device === 'wasm' || isSoftware);
    const pause = this.#pausing.begin(load.storage);
    const pipeline = await this.#engine.pipelineFor(load, {
      clip: generate,
      signal,
      ...(pause ? { pause } : {}),
      onProgress,
    });
    watch.ask(() => pipeline.memory());
    const frameRate = generate.frameRate ?? pipeline.checkpoint.defaults.frameRate;
    this.#player.clear(frameRate > 0 ? frameRate : 1);
    const numFrames = generate.numFrames ?? pipeline.checkpoint.defaults.numFrames;
    return pipeline.generate({
      ...generate,
      signal,
      onProgress,
      onStepEnd: (step) => this.#preview.step(step),
      ...(pipeline.checkpoint.previews === 'none'
        ? {}
        : { onPreview: (frames) => this.#preview.show(frames, numFrames / frameRate) }),
      onFrames: (group) => {
        this.#player.append(group);
        setStage('playing');
        if (!prefersStill.matches) this.#player.play();
      },
    });
  }

  #begin(): void {
    this.#events.onStart();
    clearError();
    showNotices([]);
    setStage('running');
    element('player', HTMLElement).hidden = true;
    this.#progress.start();
    const cancel = button('cancel');
    cancel.hidden = false;
    const generate = button('generate');
    const hadFocus = document.activeElement === generate;
    generate.disabled = true;
    // Both need the new layout: with the next frame it is made once, and not within the task of the click.
    requestAnimationFrame(() => {
      if (!this.isRunning) return;
      if (hadFocus) cancel.focus({ preventScroll: true });
      bringIntoView('stage', 'progress');
    });
  }

  #end(): void {
    this.#controller = undefined;
    this.#preview.hide();
    setDrumSteppedByHand(false);
    this.#progress.stop();
    this.#pausing.end();
    const cancel = button('cancel');
    const generate = button('generate');
    // A button that was switched off or hidden leaves the focus with the body.
    const { activeElement } = document;
    const isFocusFree = activeElement === cancel || activeElement === document.body;
    generate.disabled = false;
    cancel.hidden = true;
    if (isFocusFree) generate.focus({ preventScroll: true });
  }
}

export function setStage(state: 'idle' | 'running' | 'playing'): void {
  element('stage', HTMLElement).dataset['state'] = state;
}
