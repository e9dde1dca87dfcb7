/** @file The worker's entry point. All of onnxruntime is behind it. */
import { expose } from 'comlink';
import { host } from './host.ts';
import { reportTraps } from './liveness.ts';
import { installTransferHandlers } from './transfer.ts';

installTransferHandlers();
reportTraps();
expose(host);
