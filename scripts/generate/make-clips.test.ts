import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { earlierReports, mergeReports } from './batch.mjs';
import { EngineFailure, type Report } from './driven-page.mjs';
import { type BatchEntry, makeClips, summaryOf } from './make-clips.mjs';
import { OutputError } from './output.mjs';
import { prepare, type Prepared } from './prepare.mjs';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-make-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function prepared(...flags: string[]): Prepared {
  const prompts = join(folder, 'p.txt');
  writeFileSync(prompts, 'a\nbad\nc\n');
  const args = ['--prompts', prompts, '--out', join(folder, 'clips'), '--container', 'gif'];
  const result = prepare([...args, ...flags], ['pocket']);
  return result === 'help' ? expect.unreachable() : result;
}

const BAD = new EngineFailure({
  name: 'ZoetropeError',
  code: 'invalid-argument',
  message: 'width: 50 pixels is not what this model can do.',
  hint: 'nearest valid: 48.',
});

interface Ended {
  readonly entries: BatchEntry[];
  readonly error: unknown;
  readonly told: string[];
  readonly summary: string[];
}

/** Makes the clips as far as that goes; one whose prompt is “bad” fails with `error`. */
async function make({ request, clips = [] }: Prepared, failure: Error): Promise<Ended> {
  const entries: BatchEntry[] = [];
  const told: string[] = [];
  const run = makeClips(clips, request, {
    signal: new AbortController().signal,
    entries,
    make: ({ generate, output }) => {
      if (generate.prompt === 'bad') return Promise.reject(failure);
      writeFileSync(output.path, 'GIF');
      // What a report has besides its request matters to nothing here.
      const report = { request: requestOf(output.path), parameters: {} } as unknown as Report;
      return Promise.resolve(report);
    },
    done: ({ name }) => told.push(`${name} done`),
    failed: ({ name }, { code }) => told.push(`${name} ${code}`),
  });
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const there = (request.batch?.length ?? 0) - clips.length;
  const summary = summaryOf({ there, clips, entries, seconds: 1, folder: 'clips' });
  return { entries, error, told, summary };
}

/** As the claim has it, which was written first. */
function requestOf(clip: string): unknown {
  const claim: unknown = JSON.parse(readFileSync(clip.replace(/gif$/, 'json'), 'utf8'));
  return (claim as { request: unknown }).request;
}

describe('a batch in which a clip fails', () => {
  it('ends there', async () => {
    const { error, told, summary } = await make(prepared(), BAD);
    expect(error).toBe(BAD);
    expect(told).toEqual(['000 done']);
    expect(summary).toEqual([
      'Made 1 of 3 clips in 1.0 s, in clips; not begun: 1; failed: 1.',
      '  001: invalid-argument: width: 50 pixels is not what this model can do.',
    ]);
  });

  it('makes the others with --keep-going, and tries that one again the next time', async () => {
    const first = await make(prepared('--keep-going'), BAD);
    expect(first.error).toBeUndefined();
    expect(first.told).toEqual(['000 done', '001 invalid-argument', '002 done']);
    expect(first.entries).toMatchObject([
      { clip: '000', parameters: {} },
      { clip: '001', failure: { code: 'invalid-argument', hint: 'nearest valid: 48.' } },
      { clip: '002', parameters: {} },
    ]);
    const report = JSON.parse(readFileSync(join(folder, 'clips/001.json'), 'utf8')) as object;
    expect(report).toMatchObject({ failure: { code: 'invalid-argument' } });
    const again = prepared('--keep-going');
    expect(again.clips?.map(({ name }) => name)).toEqual(['001']);
    const second = await make(again, BAD);
    expect(second.summary[0]).toBe(
      'Made 0 of 3 clips in 1.0 s, in clips; there already: 2; failed: 1.',
    );
  });

  it('ends in spite of --keep-going where nothing can be written, or the page is gone', async () => {
    for (const failure of [new OutputError('the disk is full', ''), new Error('closed')]) {
      const { error, told } = await make(prepared('--keep-going', '--force'), failure);
      expect(error).toBe(failure);
      expect(told.filter((line) => line.startsWith('001'))).toEqual([]);
      rmSync(join(folder, 'clips'), { recursive: true });
    }
  });
});

it('the report of a batch keeps what earlier runs of it have left', async () => {
  const all = join(folder, 'all.json');
  const run = prepared('--keep-going', '--report', all);
  const { entries } = await make(run, BAD);
  writeFileSync(all, JSON.stringify(entries));
  const { request } = prepared('--keep-going', '--report', all);
  const earlier = earlierReports(all, request.batch ?? [], request) ?? [];
  expect(earlier.map(({ clip }) => clip)).toEqual(['000', '001', '002']);
  const [, bad = expect.unreachable()] = entries;
  const again = { ...bad, failure: { code: 'network', message: '' } };
  expect(mergeReports(earlier, [again])).toMatchObject([
    { clip: '000' },
    { clip: '001', failure: { code: 'network' } },
    { clip: '002' },
  ]);
  expect(readdirSync(join(folder, 'clips')).filter((name) => name.includes('part'))).toEqual([]);
});
