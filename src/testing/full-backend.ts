/** @file A real place to store in with an end put to it: writes beyond it fail as a full disk or a browser's quota does. */
import type { StoreBackend } from '../store/backend.ts';
import { FolderBackend } from '../store/folder-backend.ts';

export interface Room {
  /** Bytes that may still be written. */
  left: number;
}

/** As Node reports a full disk. */
function outOfRoom(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
}

/** A folder that takes chunks and values as long as there is room. Records are small enough. */
export async function openFullBackend(folder: string, room: Room): Promise<StoreBackend> {
  const backend = await FolderBackend.open(folder);
  const take = (bytes: number): void => {
    if (bytes > room.left) throw outOfRoom();
    room.left -= bytes;
  };
  return new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        if (name === 'writeChunk') take(sizeOf(args[0]));
        if (name === 'commit') take(sizeOf(args[1]));
        if (name === 'writeValue') take((args[1] as Uint8Array).byteLength);
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}

function sizeOf(chunk: unknown): number {
  return (chunk as { bytes: Uint8Array } | undefined)?.bytes.byteLength ?? 0;
}
