/** @file Builds the drum that turns in the viewer until there is a clip to show. */
import { create, element } from './elements.ts';

const PANELS = 14;

let steps = 0;

export function setUpDrum(): void {
  const wall = create('div', { className: 'drum-wall' });
  wall.append(create('div', { className: 'drum-floor' }));
  for (let index = 0; index < PANELS; index++) {
    const panel = create('div', { className: 'drum-panel' });
    const phase = (2 * index) / PANELS;
    panel.style.setProperty('--turn', String(index / PANELS));
    // A ball thrown once a round: each drawing has it at its place on the parabola.
    panel.style.setProperty('--drop', (1 - 4 * (phase % 1) * (1 - (phase % 1))).toFixed(3));
    wall.append(panel);
  }
  element('drum', HTMLElement).append(wall);
}

/**
 * Where the CPU computes, it also paints: the drum then stands still and turns by one picture a step of the run.
 */
export function setDrumSteppedByHand(isStepped: boolean): void {
  document.documentElement.classList.toggle('stepped', isStepped);
}

export function stepDrum(): void {
  steps++;
  element('drum', HTMLElement).style.setProperty('--stepped', String(steps / PANELS));
}
