/** @file Progress in a terminal: one line that updates, or an occasional line where the output is a file. */

import { shownText } from '../../src/weights/shown-address.mjs';
import { printable } from '../command-line.mjs';

/**
 * @typedef {object} Step
 * @property {number | undefined} fraction 0–1 over the whole run, where it can be told.
 * @property {string} text
 * @property {number | undefined} etaSeconds
 */

const WIDTH = 28;
const QUIET_SECONDS = 10;

export class Terminal {
  #out = process.stderr;
  #fraction = 0;
  #lastStage = '';
  #lastLineAt = 0;
  #isLineOpen = false;
  /** What every text passes through. @type {(text: string) => string} */
  names = (text) => text;

  /** @param {Step} step */
  show({ fraction, text: told, etaSeconds }) {
    const text = printable(shownText(this.names(told)));
    this.#fraction = Math.max(this.#fraction, fraction ?? 0);
    const percent = `${Math.floor(this.#fraction * 100)} %`.padStart(5);
    const eta = etaSeconds === undefined ? '' : `, about ${Math.ceil(etaSeconds)} s left`;
    if (this.#out.isTTY) {
      const filled = Math.round(this.#fraction * WIDTH);
      const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
      const line = `${bar} ${percent}  ${text}${eta}`;
      this.#out.write(`\r\u001B[K${line.slice(0, (this.#out.columns || 80) - 1)}`);
      this.#isLineOpen = true;
      return;
    }
    const [stage = ''] = text.split(',');
    const now = performance.now() / 1000;
    if (stage === this.#lastStage && now - this.#lastLineAt < QUIET_SECONDS) return;
    this.#lastStage = stage;
    this.#lastLineAt = now;
    this.#out.write(`${percent}  ${text}${eta}\n`);
  }

  /** Prints a line of its own, below the bar, without secrets of addresses and control characters. @param {string} text */
  say(text) {
    if (this.#isLineOpen) this.#out.write('\r\u001B[K');
    this.#isLineOpen = false;
    this.#out.write(`${printable(shownText(this.names(text)))}\n`);
  }
}
