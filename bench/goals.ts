/** @file What a figure should be: in words for the reader, and as a test. */

export interface Goal {
  readonly text: string;
  holds(value: number): boolean;
}

export function atMost(bound: number): Goal {
  return { text: `<= ${bound}`, holds: (value) => value <= bound };
}

export function atLeast(bound: number): Goal {
  return { text: `>= ${bound}`, holds: (value) => value >= bound };
}

export function exactly(wanted: number): Goal {
  return { text: `= ${wanted}`, holds: (value) => value === wanted };
}

export function between(low: number, high: number): Goal {
  return {
    text: `${low.toFixed(2)} .. ${high.toFixed(2)}`,
    holds: (value) => value >= low && value <= high,
  };
}
