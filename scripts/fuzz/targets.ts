/** @file All targets, in the order in which they run. */
import { configurations } from './configurations.ts';
import { headers } from './headers.ts';
import { loras } from './loras.ts';
import { records } from './records.ts';
import { servers } from './servers.ts';
import type { Target } from './target.ts';

export const TARGETS: readonly Target[] = [headers, configurations, loras, records, servers];
