/**
 * @file What a file is that cannot be read as what it should be: by its first bytes, and by its name where these do not
 * tell. Everything that fails to read safetensors or JSON asks here, so that all messages name the same causes.
 */
import { modelFormat, type ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';

export interface Recognised {
  /** Follows “is”: “a GGUF file”. */
  readonly what: string;
  /** What to do instead. */
  readonly hint: string;
}

/** Bytes of a file's beginning that tell what it is. */
export const HEAD_BYTES = 1024;

/** Files with weights, by the ends of their names. The first two are the format that is read. */
const WEIGHTS_FILE =
  /\.(safetensors|sft|gguf|ggml|pth|pt|ckpt|bin|pkl|onnx|msgpack|h5|hdf5|npz|npy)$/i;

/** Whether a path names a file with weights, of whichever format, rather than a folder. */
export function isWeightsFile(path: string): boolean {
  return WEIGHTS_FILE.test(path);
}

const SAFETENSORS = 'Use the .safetensors file of the same model';

const GGUF: Recognised = {
  what: 'a GGUF file, a format of llama.cpp that is not supported',
  hint: `${SAFETENSORS}: Zoetrope makes it as small itself, with the weights option q8 or q4.`,
};

const PICKLE: Recognised = {
  what: 'a PyTorch pickle, which can run code of its own when it is opened and is therefore not read',
  hint: `${SAFETENSORS}. Repositories with names ending in -Diffusers have it; or convert the file with safetensors.torch.save_file in Python.`,
};

const ARCHIVE: Recognised = {
  what: 'a packed archive',
  hint: 'Unpack it, and use the .safetensors files in it.',
};

const ONNX: Recognised = {
  what: 'an ONNX export, which is not supported',
  hint: `${SAFETENSORS}: no export is needed.`,
};

const FLAX: Recognised = {
  what: 'a file with weights for JAX, which is not supported',
  hint: `${SAFETENSORS}, made for PyTorch.`,
};

const HDF5: Recognised = {
  what: 'an HDF5 file with weights for TensorFlow, which is not supported',
  hint: `${SAFETENSORS}, made for PyTorch.`,
};

const NUMPY: Recognised = {
  what: 'a NumPy file, which is not supported',
  hint: `${SAFETENSORS}.`,
};

const MEDIA: Recognised = {
  what: 'a picture or a video',
  hint: 'Choose the .safetensors file that it shows.',
};

const EMPTY: Recognised = {
  what: 'empty (0 bytes)',
  hint: 'Its download or copy did not begin: get the file again.',
};

const ZEROS: Recognised = {
  what: 'filled with zeros at its beginning',
  hint: 'Its download has not finished, or failed: get the file again.',
};

const page = (title: string | undefined): Recognised => ({
  what: title === undefined ? 'a web page' : `a web page (“${title}”)`,
  hint: 'The page was sent in place of the file: open its address in a browser tab to see whether the address is wrong or a login is needed, then download the file itself.',
});

/** For an answer that says of itself that it is one. */
export const WEB_PAGE = page(undefined);

const serverMessage = (code: string | undefined): Recognised => ({
  what:
    code === undefined
      ? 'an XML message of a server'
      : `an XML message of a server, which says “${code}”`,
  hint: 'The message was sent in place of the file: the address may be wrong, or may have expired. Get a new one.',
});

const pointer = (bytes: number | undefined): Recognised => ({
  what: `a Git LFS pointer, which only stands for the file${bytes === undefined ? '' : ` (of ${formatBytes(bytes)})`}`,
  hint: 'Run “git lfs pull” in the folder, or download the file from the page of its repository.',
});

/** By the first bytes. Old pickles begin with the number of their protocol. */
const BY_BYTES: readonly (readonly [at: number, bytes: string, what: Recognised])[] = [
  [0, 'GGUF', GGUF],
  // ggml, ggmf and ggjt, as little-endian numbers.
  [0, 'lmgg', GGUF],
  [0, 'fmgg', GGUF],
  [0, 'tjgg', GGUF],
  [0, '\x89HDF', HDF5],
  [0, '\x93NUMPY', NUMPY],
  [0, '\x89PNG', MEDIA],
  [0, '\xFF\xD8\xFF', MEDIA],
  [0, 'GIF8', MEDIA],
  [4, 'ftyp', MEDIA],
  [0, '\x1F\x8B', ARCHIVE],
  [0, '7z\xBC\xAF', ARCHIVE],
  [0, 'Rar!', ARCHIVE],
  [0, '\x28\xB5\x2F\xFD', ARCHIVE],
  [257, 'ustar', ARCHIVE],
];

const BY_NAME: readonly (readonly [RegExp, Recognised])[] = [
  [/\.(gguf|ggml)$/i, GGUF],
  [/\.(pth|pt|ckpt|bin|pkl)$/i, PICKLE],
  [/\.onnx$/i, ONNX],
  [/\.msgpack$/i, FLAX],
  [/\.(h5|hdf5)$/i, HDF5],
  [/\.(npz|npy)$/i, NUMPY],
];

/**
 * What a file is, if that is known and it is neither safetensors nor JSON.
 * @param head Its first `HEAD_BYTES`, or all of it.
 * @param path For what only a name tells.
 */
export function whatIsIt(head: Uint8Array, path: string): Recognised | undefined {
  if (head.length === 0) return EMPTY;
  const bytes = Array.from(head, (byte) => String.fromCharCode(byte)).join('');
  const found = BY_BYTES.find(([at, magic]) => bytes.startsWith(magic, at))?.[2];
  if (found) return found;
  if (bytes.startsWith('PK')) return zipped(bytes, path);
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5) return PICKLE;
  return asText(head) ?? byName(path) ?? (isEmptySpace(head) ? ZEROS : undefined);
}

/** Not a few zeros, which many files have. */
function isEmptySpace(head: Uint8Array): boolean {
  return head.length >= 64 && head.every((byte) => byte === 0);
}

/** What a file is that has not been read, by its name alone. */
export function byName(path: string): Recognised | undefined {
  return BY_NAME.find(([pattern]) => pattern.test(path))?.[1];
}

/** PyTorch's pickles are ZIP archives with a `data.pkl`, NumPy's have arrays; others are what they are. */
function zipped(bytes: string, path: string): Recognised {
  if (/\/data\.pkl|\/byteorder/.test(bytes)) return PICKLE;
  return /\.npy/.test(bytes) ? NUMPY : (byName(path) ?? ARCHIVE);
}

function asText(head: Uint8Array): Recognised | undefined {
  const text = new TextDecoder()
    .decode(head)
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (text.startsWith('version https://git-lfs')) {
    const size = /^size (\d{1,15})$/m.exec(text)?.[1];
    return pointer(size === undefined ? undefined : Number(size));
  }
  if (/^(<!--[^]*?-->\s*)?<(!doctype html|html|head|body|script)\b/i.test(text)) {
    return page(shortened(/<title[^>]*>\s*([^<]+?)\s*<\/title>/i.exec(text)?.[1]));
  }
  if (/^<(\?xml|Error)\b/.test(text)) {
    return serverMessage(shortened(/<Code>\s*([^<]+?)\s*<\/Code>/.exec(text)?.[1]));
  }
  return undefined;
}

const LONGEST_TITLE = 60;

function shortened(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= LONGEST_TITLE) return text;
  return `${text.slice(0, LONGEST_TITLE)}…`;
}

/** @param where The file, for the message: “x of y”. */
export function isAnother(
  where: string,
  { what, hint }: Recognised,
  cause?: unknown,
): ZoetropeError {
  return modelFormat(`${where} is ${what}.`, hint, cause);
}
