import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputError, writeJson, writeOutput } from './output.mjs';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-output-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BYTES = Buffer.from('new');

function write(
  name: string,
  { container = 'mp4', replaces = false, count = 1 } = {},
  read = (_index: number): Promise<Uint8Array> => Promise.resolve(BYTES),
): ReturnType<typeof writeOutput> {
  return writeOutput({ path: join(folder, name), typed: name, container, replaces }, count, read);
}

/** Gives one frame, and no second. */
const fail = (index: number): Promise<Uint8Array> =>
  index === 1 ? Promise.reject(new Error('gone')) : Promise.resolve(BYTES);

const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('a clip', () => {
  it('is written in folders that are made for it', async () => {
    expect(await write('a/b/clip.mp4')).toEqual({ bytes: 3, name: 'clip.mp4' });
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['clip.mp4']);
  });

  it('that fails leaves what was there, and nothing of its own', async () => {
    writeFileSync(join(folder, 'clip.mp4'), 'old');
    mkdirSync(join(folder, 'frames'));
    writeFileSync(join(folder, 'frames/frame-0000.png'), 'old');
    const frames = { container: 'png', replaces: true, count: 2 };
    await expect(write('frames', frames, fail)).rejects.toThrow('gone');
    await expect(write('new', frames, fail)).rejects.toThrow('gone');
    await expect(
      write('clip.mp4', { replaces: true }, () => Promise.reject(new Error('gone'))),
    ).rejects.toThrow('gone');
    expect(readdirSync(folder)).toEqual(['clip.mp4', 'frames']);
    expect(readdirSync(join(folder, 'frames'))).toEqual(['frame-0000.png']);
    expect([text('clip.mp4'), text('frames/frame-0000.png')]).toEqual(['old', 'old']);
  });

  it('takes another name if its own was taken while it was made', async () => {
    for (const name of ['clip.mp4', 'clip-2.mp4']) writeFileSync(join(folder, name), 'old');
    expect(await write('clip.mp4')).toMatchObject({ name: 'clip-3.mp4' });
    mkdirSync(join(folder, 'frames/sub'), { recursive: true });
    expect(await write('frames', { container: 'png' })).toMatchObject({ name: 'frames-2' });
    expect(['clip.mp4', 'clip-2.mp4', 'clip-3.mp4'].map(text)).toEqual(['old', 'old', 'new']);
    expect(readdirSync(join(folder, 'frames'))).toEqual(['sub']);
  });

  it('replaces what a link points to, and the link stays', async () => {
    writeFileSync(join(folder, 'real.mp4'), 'old');
    symlinkSync('real.mp4', join(folder, 'link.mp4'));
    await write('link.mp4', { replaces: true });
    expect(text('real.mp4')).toBe('new');
  });
});

describe('frames in a folder that is there', () => {
  it('replace frames of the command’s own numbering, and nothing else', async () => {
    mkdirSync(join(folder, 'frames'));
    const others = ['frame-1.png', 'frame-00009.png', 'frame-0009.jpg', 'notes.txt', 'x.png'];
    for (const name of ['frame-0000.png', 'frame-0005.png', ...others]) {
      writeFileSync(join(folder, 'frames', name), 'old');
    }
    await write('frames', { container: 'png', replaces: true, count: 2 });
    const expected = ['frame-0000.png', 'frame-0001.png', ...others];
    expect(readdirSync(join(folder, 'frames')).toSorted()).toEqual(expected.toSorted());
    expect(text('frames/frame-0000.png')).toBe('new');
    expect(text('frames/notes.txt')).toBe('old');
  });

  it('go into an empty folder, through a link too', async () => {
    mkdirSync(join(folder, 'frames'));
    symlinkSync('frames', join(folder, 'link'));
    await write('link', { container: 'png' });
    expect(readdirSync(join(folder, 'frames'))).toEqual(['frame-0000.png']);
  });
});

it('a place that vanishes is reported by the name that was typed', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(write('file/clip.mp4')).rejects.toThrow('file/clip.mp4 could not be written');
  const report = { path: join(folder, 'file/r.json'), typed: './r.json' };
  await expect(writeJson(report, {})).rejects.toThrow(OutputError);
});

const canMount =
  process.platform === 'linux' && spawnSync('unshare', ['-m', 'true'], {}).status === 0;

it.skipIf(!canMount)('a full disk is reported, and leaves the earlier file whole', () => {
  const script = `
    import { writeOutput, writeJson } from ${JSON.stringify(join(import.meta.dirname, 'output.mjs'))};
    import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
    const path = ${JSON.stringify(join(folder, 'clip.mp4'))};
    writeFileSync(path, 'old');
    const told = [];
    const large = () => Promise.resolve(new Uint8Array(1e6));
    const run = async (write) => { try { await write(); } catch ({ name, message, hint }) { told.push(message, hint); } };
    await run(() => writeOutput({ path, typed: 'clip.mp4', container: 'mp4', replaces: true }, 1, large));
    await run(() => writeJson({ path, typed: 'r.json' }, 'x'.repeat(1e6)));
    console.log(JSON.stringify({ told, names: readdirSync(${JSON.stringify(folder)}), text: readFileSync(path, 'utf8') }));`;
  const mount = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" --input-type=module -e "$3"';
  const args = ['-m', 'sh', '-c', mount, 'sh', folder, process.execPath, script];
  const answer: unknown = JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' }));
  const hint = expect.stringContaining('Free some space');
  expect(answer).toEqual({
    told: [
      'clip.mp4 could not be written: the disk is full.',
      hint,
      'r.json could not be written: the disk is full.',
      hint,
    ],
    names: ['clip.mp4'],
    text: 'old',
  });
  expect(existsSync(join(folder, 'clip.mp4'))).toBe(false);
});
