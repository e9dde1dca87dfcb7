/** @file Play, pause, scrub and the frame counter. */
import { button, element, input } from './elements.ts';
import type { Player } from './player.ts';

const ICONS = {
  play: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2l10 6-10 6z"/></svg>',
  pause: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 2h4v12H3zM9 2h4v12H9z"/></svg>',
};

export function setUpPlayerControls(player: Player): void {
  const toggle = button('play');
  const scrubber = input('scrubber');
  const counter = element('frame-counter', HTMLSpanElement);
  let shownPlaying: boolean | undefined;

  player.onChange = () => {
    scrubber.max = String(Math.max(0, player.frameCount - 1));
    scrubber.value = String(player.frame);
    const position = `${player.frame + 1} / ${player.frameCount}`;
    counter.textContent = position;
    scrubber.setAttribute('aria-valuetext', `frame ${position}`);
    if (player.isPlaying === shownPlaying) return;
    shownPlaying = player.isPlaying;
    toggle.innerHTML = shownPlaying ? ICONS.pause : ICONS.play;
    toggle.setAttribute('aria-label', shownPlaying ? 'Pause' : 'Play');
  };
  toggle.addEventListener('click', () => {
    if (player.isPlaying) player.pause();
    else player.play();
  });
  scrubber.addEventListener('input', () => {
    // Read before pausing, which draws the scrubber where the player is.
    const frame = scrubber.valueAsNumber;
    player.pause();
    player.seek(frame);
  });
  player.onChange();
}
