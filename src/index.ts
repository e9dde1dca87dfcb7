/** @file What the library exports: the page's side only. onnxruntime is loaded by the worker that it starts. */
export { type ErrorCode, isAbortError, ZoetropeError } from './errors.ts';
export type * from './pipeline/api.ts';
export { CATALOGUE, findModel } from './families/catalogue/entries.ts';
export type * from './families/catalogue/model-entry.ts';
export {
  changeChoice,
  completeChoice,
  type PromptChoice,
  promptSentence,
  readSentence,
} from './families/text/prompt-sentence.ts';
export { unknownWords } from './families/text/unknown-words.ts';
export {
  assessModel,
  checkLoad,
  inspectCheckpoint,
  planListedModel,
  planMemory,
  probeDevice,
  verifyStoredModel,
  VideoPipeline,
} from './pipeline/client.ts';
export { WorkerEnded } from './pipeline/connection.ts';
export { DownloadPaused } from './pipeline/pause.ts';
export type { StoredFormat, StoredModel } from './pipeline/stored-model.ts';
export { bytesToFetch, deleteStoredModel, listStoredModels } from './pipeline/stored-models.ts';
