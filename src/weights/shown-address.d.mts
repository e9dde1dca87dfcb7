/** The address with its origin and path only; `mark` is what a query leaves behind, `?…` unless it is given. */
export function shownAddress(text: string, options?: { readonly mark?: string }): string;

/** A text with every address in it shown as {@link shownAddress} shows it. */
export function shownText(text: string): string;
