import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const COMPILER = 'node_modules/assemblyscript/bin/asc.js';
const OPTIONS = ['--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
const LINE = 100;

const LEARNER = 'services/online-learner/kernel';
const TEXT = 'test/bench/learner-core/text-kernel';

/** Which folders are compiled into which file: kernels are part of the source as text, so that nothing has to be built to run them. */
const FILES = [
  {
    file: 'services/online-learner/domain/kernel-binary.ts',
    kernels: { STEP_KERNEL: `${LEARNER}/step`, READER_KERNEL: `${LEARNER}/reader` },
  },
  { file: 'test/bench/learner-core/text-kernel-binary.ts', kernels: { TEXT_KERNEL: TEXT } },
];

/** A file of compiled kernels. */
export interface KernelFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Compiles all kernels and returns their files: the same for the same sources, wherever they are compiled.
 *
 * @throws Error with the compiler's words when the sources do not compile
 */
export async function buildKernels(): Promise<KernelFile[]> {
  const files: KernelFile[] = [];
  for (const { file, kernels } of FILES) {
    const from =
      'Compiled by `npm run kernel` from the folders named below: change them. A test compiles them and compares.';
    let text = `// ${from} WebAssembly in base64.\n`;
    for (const [constant, folder] of Object.entries(kernels)) {
      const lines = (await compile(folder)).match(new RegExp(`.{1,${String(LINE)}}`, 'g')) ?? [];
      text += `\n/** ${folder} */\nexport const ${constant} =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`;
    }
    files.push({ path: join(ROOT, file), text });
  }
  return files;
}

/** Returns a kernel in base64. */
async function compile(folder: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-kernel-'));
  try {
    const binary = join(dir, 'kernel.wasm');
    const args = [COMPILER, `${folder}/index.ts`, '--outFile', binary, ...OPTIONS];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    return await readFile(binary, 'base64');
  } finally {
    await rm(dir, { recursive: true });
  }
}
