/** @file The chart of a run's memory: drawn while it runs, and kept as a record of it. */
import { formatBytes } from '../format-bytes.ts';
import { create, element } from './elements.ts';
import { bytesOf, type Kind, KINDS, type MemoryRecord, type RunPhase } from './memory-record.ts';
import { momentText, recordText, sampleText } from './timeline-text.ts';
import { drawTimeline } from './timeline-shapes.ts';

/** Milliseconds between two drawings: the eye needs no more, and a CPU that computes has better to do. */
const DRAW_EVERY = 150;

/** Samples that PageUp and PageDown pass over. */
const PAGE = 10;

type Figure = Kind | 'peak' | 'ram' | 'streamed' | 'budget';

export class Timeline {
  readonly #figure = element('timeline', HTMLElement);
  readonly #plot = element('timeline-plot', HTMLElement);
  readonly #cursor = element('timeline-cursor', HTMLElement);
  #record: MemoryRecord | undefined;
  #isLive = false;
  /** Index of the sample that is looked at; the last one of a run that goes on, and the whole of one that has ended. */
  #moment: number | undefined;
  #drawnAt = 0;
  #due: ReturnType<typeof setTimeout> | undefined;
  #phases = '';

  constructor() {
    this.#plot.addEventListener('pointermove', (event) => this.#point(event));
    this.#plot.addEventListener('pointerdown', (event) => this.#point(event));
    this.#plot.addEventListener('pointerleave', () => this.#look(undefined));
    this.#plot.addEventListener('blur', () => this.#look(undefined));
    this.#plot.addEventListener('keydown', (event) => this.#press(event));
  }

  /** Shows a run from its beginning; `update` when it has gone on, `end` when it is over. */
  follow(record: MemoryRecord): void {
    this.#begin(record, true);
    // Until there is something to show.
    this.#figure.hidden = true;
  }

  /** Shows a run that has ended. */
  show(record: MemoryRecord): void {
    this.#begin(record, false);
    this.update();
  }

  update(): void {
    if (this.#due !== undefined) return;
    const wait = Math.max(0, this.#drawnAt + DRAW_EVERY - performance.now());
    this.#due = setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  end(): void {
    this.#isLive = false;
    this.update();
  }

  #begin(record: MemoryRecord, isLive: boolean): void {
    this.#record = record;
    this.#isLive = isLive;
    this.#moment = undefined;
  }

  #draw(): void {
    this.#due = undefined;
    this.#drawnAt = performance.now();
    const record = this.#record;
    if (!record || record.samples.length === 0) return;
    const isEmpty = record.most(({ peakBytes, ramBytes }) => peakBytes + ramBytes) === 0;
    // A run that failed before it took anything leaves no chart.
    this.#figure.hidden = isEmpty && !this.#isLive;
    const shapes = drawTimeline(record);
    for (const kind of KINDS) this.#path(`[data-area="${kind}"]`, shapes.areas[kind]);
    this.#path('[data-line="peak"]', shapes.peak);
    this.#path('[data-line="ram"]', shapes.ram);
    element('timeline-top', HTMLElement).textContent = formatBytes(shapes.topBytes);
    element('timeline-half', HTMLElement).textContent = formatBytes(shapes.topBytes / 2);
    const budget = element('timeline-budget', HTMLElement);
    budget.hidden = shapes.budgetPercent === undefined;
    budget.style.insetBlockStart = `${shapes.budgetPercent ?? 0}%`;
    this.#drawPhases(shapes.phases);
    if (!this.#isLive) element('timeline-text', HTMLElement).textContent = recordText(record);
    this.#drawMoment();
  }

  #path(selector: string, outline: string): void {
    this.#plot.querySelector(selector)?.setAttribute('d', outline);
  }

  #drawPhases(phases: readonly { phase: RunPhase; percent: number }[]): void {
    const strip = element('timeline-phases', HTMLElement);
    const names = phases.map(({ phase }) => phase).join();
    if (names !== this.#phases) {
      this.#phases = names;
      strip.replaceChildren(
        ...phases.map(({ phase }) => create('span', {}, create('i', {}, phase))),
      );
    }
    for (const [index, { percent }] of phases.entries()) {
      const span = strip.children[index];
      if (span instanceof HTMLElement) span.style.flexGrow = percent.toFixed(2);
    }
  }

  /** The figures beside the chart, and its cursor. */
  #drawMoment(): void {
    const record = this.#record;
    const samples = record?.samples ?? [];
    const last = samples.at(-1);
    if (!record || !last) return;
    const index = Math.min(this.#moment ?? samples.length - 1, samples.length - 1);
    const sample = samples[index] ?? last;
    const isWhole = this.#moment === undefined && !this.#isLive;
    const { reading } = sample;
    const peaks = record.peakByKind();
    element('timeline-moment', HTMLElement).textContent = isWhole
      ? 'highest reading of each'
      : momentText(sample);
    for (const kind of KINDS) {
      this.#tell(kind, peaks[kind], isWhole ? peaks[kind] : bytesOf(reading, kind));
    }
    const ram = record.most(({ ramBytes }) => ramBytes);
    this.#tell('peak', 1, reading.peakBytes);
    this.#tell('ram', ram, isWhole ? ram : reading.ramBytes);
    this.#tell('streamed', 1, reading.streamedBytes);
    this.#tell('budget', record.budgetBytes ?? 0, record.budgetBytes);

    this.#cursor.hidden = this.#moment === undefined;
    this.#cursor.style.insetInlineStart = `${(sample.seconds / Math.max(record.seconds, 1e-9)) * 100}%`;
    this.#plot.setAttribute('aria-valuemax', String(samples.length - 1));
    this.#plot.setAttribute('aria-valuenow', String(index));
    this.#plot.setAttribute('aria-valuetext', sampleText(sample));
  }

  /** One figure of the legend; those that a run never has are left out. */
  #tell(figure: Figure, most: number, bytes = 0): void {
    const row = this.#figure.querySelector(`[data-figure="${figure}"]`);
    if (!(row instanceof HTMLElement)) return;
    row.hidden = most === 0;
    const text = formatBytes(bytes);
    const value = row.lastElementChild;
    if (value && value.textContent !== text) value.textContent = text;
  }

  #look(moment: number | undefined): void {
    this.#moment = moment;
    this.#drawMoment();
  }

  #point({ clientX }: PointerEvent): void {
    const { left, width } = this.#plot.getBoundingClientRect();
    const seconds = ((clientX - left) / width) * (this.#record?.seconds ?? 0);
    const next = this.#record?.samples.findIndex((sample) => sample.seconds > seconds) ?? 0;
    this.#look(next < 0 ? this.#last : Math.max(0, next - 1));
  }

  #press(event: KeyboardEvent): void {
    const from = this.#moment ?? this.#last;
    const moves: Partial<Record<string, number>> = {
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageDown: from - PAGE,
      PageUp: from + PAGE,
      Home: 0,
      End: this.#last,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#look(Math.min(this.#last, Math.max(0, to)));
  }

  get #last(): number {
    return (this.#record?.samples.length ?? 1) - 1;
  }
}
