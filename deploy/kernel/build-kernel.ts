import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const COMPILER = 'node_modules/assemblyscript/bin/asc.js';
const SOURCE = 'services/online-learner/kernel/index.ts';
const OPTIONS = ['--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
const LINE = 100;

/** Where the compiled kernel is kept, as text: it is part of the source, so that nothing has to be built to run it. */
export const KERNEL_FILE = join(ROOT, 'services/online-learner/domain/kernel-binary.ts');

/**
 * Compiles the learner's kernel and returns the text of KERNEL_FILE: the same for the same sources, wherever it is compiled.
 *
 * @throws Error with the compiler's words when the sources do not compile
 */
export async function buildKernel(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-kernel-'));
  try {
    const binary = join(dir, 'kernel.wasm');
    const args = [COMPILER, SOURCE, '--outFile', binary, ...OPTIONS];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    return textOf(await readFile(binary, 'base64'));
  } finally {
    await rm(dir, { recursive: true });
  }
}

function textOf(base64: string): string {
  const lines = base64.match(new RegExp(`.{1,${String(LINE)}}`, 'g')) ?? [];
  return [
    '// Compiled from services/online-learner/kernel by `npm run kernel`: change it there. A test compiles it anew and compares.',
    '',
    '/** The learner’s kernel, WebAssembly in base64. */',
    'export const KERNEL_BASE64 =',
    `${lines.map((line) => `  '${line}'`).join(' +\n')};`,
    '',
  ].join('\n');
}
