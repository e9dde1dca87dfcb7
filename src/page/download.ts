/** @file Hands an encoded clip to the browser as a download. */
import type { EncodedVideo, GenerationParameters } from '../pipeline/api.ts';
import { fileStem } from './format.ts';

/** The file itself, or an archive of several, named after the clip. */
export async function download(
  encoded: EncodedVideo,
  { prompt, seed }: Pick<GenerationParameters, 'prompt' | 'seed'>,
): Promise<File> {
  const file = await singleFile(encoded, fileStem(prompt, seed));
  offer(file);
  return file;
}

async function singleFile({ files, container }: EncodedVideo, stem: string): Promise<File> {
  const [first] = files;
  if (files.length === 1 && first) {
    return new File([first.blob], `${stem}.${container}`, { type: first.blob.type });
  }
  const { downloadZip } = await import('client-zip');
  const entries = files.map(({ name, blob }) => ({ name, input: blob }));
  return new File([await downloadZip(entries).blob()], `${stem}.zip`, { type: 'application/zip' });
}

function offer(file: File): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = file.name;
  link.click();
  // The download has begun when the page is idle again; until then the URL must live.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
