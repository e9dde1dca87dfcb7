/** What `readmeExamplesPlugin` makes: see scripts/readme/examples.mjs. */
declare module 'virtual:readme-examples' {
  export const examples: readonly {
    readonly title: string;
    readonly code: string;
    readonly run: () => Promise<unknown>;
  }[];
}
