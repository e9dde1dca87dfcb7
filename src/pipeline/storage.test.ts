import { describe } from 'vitest';
import { freshFolder } from '../testing/folder-place.ts';
import { describeStorage } from '../testing/storage-suite.ts';

describe('a checkpoint kept in a folder', () => {
  describeStorage(freshFolder);
});
