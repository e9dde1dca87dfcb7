/** @file Where a text departs from JSON, and how: `JSON.parse` gives no place for most faults. Grammar: RFC 8259. */

/**
 * @typedef {object} Fault
 * @property {number} offset
 * @property {string} problem As in “there is …”.
 */

const SPACE = /[ \t\n\r]*/y;
// oxlint-disable-next-line no-control-regex -- JSON excludes exactly these from its strings.
const STRING = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** Deeper lists are refused, as no list of prompts is so deep. */
const MOST_DEPTH = 100;

/**
 * @param {string} text
 * @returns {{ fault: Fault } | { starts: number[] }} Where each element of an outermost list begins.
 */
export function scanJson(text) {
  const scanner = new Scanner(text);
  try {
    scanner.scan();
    return { starts: scanner.starts };
  } catch (error) {
    if (error instanceof Stop) return { fault: error.fault };
    throw error;
  }
}

class Stop extends Error {
  /** @param {Fault} fault */
  constructor(fault) {
    super(fault.problem);
    this.fault = fault;
  }
}

class Scanner {
  /** @type {number[]} */
  starts = [];
  #text;
  #at = 0;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  scan() {
    this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) this.#stop('something after the end of the list');
  }

  /** @param {number} depth */
  #value(depth) {
    this.#skip();
    if (depth > MOST_DEPTH) this.#stop('a list that is too deep');
    const next = this.#text[this.#at];
    if (next === '[') this.#list(depth);
    else if (next === '{') this.#object(depth);
    else if (!this.#takes(STRING) && !this.#takes(NUMBER) && !this.#takes(WORD)) {
      this.#stop(this.#unexpected('a value'));
    }
  }

  /** @param {number} depth */
  #list(depth) {
    this.#at++;
    if (this.#closes(']')) return;
    do {
      this.#skip();
      if (this.#text[this.#at] === ']')
        this.#stop('a comma before the ], which JSON does not allow');
      if (depth === 0) this.starts.push(this.#at);
      this.#value(depth + 1);
    } while (this.#continues(']'));
  }

  /** @param {number} depth */
  #object(depth) {
    this.#at++;
    if (this.#closes('}')) return;
    const names = new Set();
    do {
      this.#skip();
      const start = this.#at;
      if (this.#text[start] === '}') this.#stop('a comma before the }, which JSON does not allow');
      if (!this.#takes(STRING)) this.#stop(this.#unexpected('a name in double quotes'));
      const name = this.#text.slice(start, this.#at);
      if (names.has(name)) {
        this.#at = start;
        this.#stop(`a second ${name} in one entry`);
      }
      names.add(name);
      this.#skip();
      if (this.#text[this.#at] !== ':') this.#stop(this.#unexpected('a colon'));
      this.#at++;
      this.#value(depth + 1);
    } while (this.#continues('}'));
  }

  /** @param {string} end */
  #closes(end) {
    this.#skip();
    if (this.#text[this.#at] !== end) return false;
    this.#at++;
    return true;
  }

  /** @param {string} end */
  #continues(end) {
    if (this.#closes(end)) return false;
    if (this.#text[this.#at] !== ',') this.#stop(this.#unexpected(`a comma or ${end}`));
    this.#at++;
    return true;
  }

  #skip() {
    this.#takes(SPACE);
  }

  /** @param {RegExp} pattern */
  #takes(pattern) {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  /** @param {string} wanted */
  #unexpected(wanted) {
    const rest = this.#text.slice(this.#at);
    if (rest === '') return `the end of the file where ${wanted} should be`;
    if (/^(?:\/\/|\/\*|#)/.test(rest)) return 'a comment, which JSON does not allow';
    if (rest.startsWith("'")) return 'a single quote where JSON wants double quotes';
    if (/^[“”„]/.test(rest)) return 'a curly quote where JSON wants straight ones';
    if (rest.startsWith('"')) {
      if (this.#takes(STRING)) {
        this.#at = this.#text.length - rest.length;
        return `a text where ${wanted} should be`;
      }
      return 'a text that does not end in its line, or has a backslash that JSON does not know';
    }
    const [found = ''] = /^[\w$]+|^./su.exec(rest) ?? [];
    return `“${found}” where ${wanted} should be`;
  }

  /**
   * @param {string} problem
   * @returns {never}
   */
  #stop(problem) {
    throw new Stop({ offset: this.#at, problem });
  }
}
