import { describe } from 'vitest';
import { freshDatabase } from '../testing/database-place.ts';
import { describeStorage } from '../testing/storage-suite.ts';

describe('a checkpoint kept in IndexedDB', () => {
  describeStorage(freshDatabase);
});
