import { READER_KERNEL, STEP_KERNEL } from './kernel-binary.ts';

/** An address in a kernel's memory, or a size, bytes. */
export type KernelNumber = WebAssembly.Global<'i32'>;

/** Returns the module that was compiled to this base64. */
export function moduleOf(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0)));
}

const MODULES = { step: moduleOf(STEP_KERNEL), reader: moduleOf(READER_KERNEL) };

/** Returns the exports of a new instance, with a memory of its own. */
export function startKernel(name: keyof typeof MODULES): WebAssembly.Exports {
  return new WebAssembly.Instance(MODULES[name]).exports;
}
