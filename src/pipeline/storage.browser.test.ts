import { describe } from 'vitest';
import { openBrowserStore } from '../store/indexeddb-backend.ts';
import { describeStorage } from '../testing/storage-suite.ts';

let stores = 0;

describe('a checkpoint kept in IndexedDB', () => {
  describeStorage((options) => openBrowserStore({ ...options, name: `storage-test-${stores++}` }));
});
