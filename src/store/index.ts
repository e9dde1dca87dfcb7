/**
 * @file Checkpoints kept between visits: what streaming reads weights from. `folder-backend.ts` is for Node alone and
 * not exported here.
 */
export {
  type ChunkStore,
  CheckpointStore,
  type CheckpointStoreOptions,
} from './checkpoint-store.ts';
export {
  DamagedChunkError,
  RecordChangedError,
  type StorageFigures,
  StorageFullError,
} from './failure.ts';
export { openBrowserStore } from './indexeddb-backend.ts';
export { requestPersistence } from './quota.ts';
export { CheckpointReader } from './reader.ts';
export * from './record.ts';
export { decodeRecord, readRecord } from './record-check.ts';
export { ValueCache } from './value-cache.ts';
export type { CheckpointIdentity } from './resume.ts';
export { CheckpointWriter, type PartBytes } from './writer.ts';
