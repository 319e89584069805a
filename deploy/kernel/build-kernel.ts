import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const COMPILER = 'node_modules/assemblyscript/bin/asc.js';
const SOURCES = 'services/online-learner/kernel';
const KERNELS = { step: 'STEP_KERNEL', reader: 'READER_KERNEL' } as const;
const OPTIONS = ['--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
const LINE = 100;

/** Where the compiled kernel is kept, as text: it is part of the source, so that nothing has to be built to run it. */
export const KERNEL_FILE = join(ROOT, 'services/online-learner/domain/kernel-binary.ts');

/**
 * Compiles the learner's kernels and returns the text of KERNEL_FILE: the same for the same sources, wherever it is compiled.
 *
 * @throws Error with the compiler's words when the sources do not compile
 */
export async function buildKernels(): Promise<string> {
  const constants: string[] = [];
  for (const [kernel, constant] of Object.entries(KERNELS)) {
    const lines = (await compile(kernel)).match(new RegExp(`.{1,${String(LINE)}}`, 'g')) ?? [];
    constants.push(`export const ${constant} =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`);
  }
  const where = `${SOURCES} by \`npm run kernel\``;
  return [
    `// Compiled from ${where}: change it there. A test compiles it anew and compares. WebAssembly in base64.\n`,
    ...constants,
  ].join('\n');
}

/** Returns a kernel in base64. */
async function compile(kernel: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-kernel-'));
  try {
    const binary = join(dir, 'kernel.wasm');
    const args = [COMPILER, `${SOURCES}/${kernel}/index.ts`, '--outFile', binary, ...OPTIONS];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    return await readFile(binary, 'base64');
  } finally {
    await rm(dir, { recursive: true });
  }
}
