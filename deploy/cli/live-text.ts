import { cut } from './output.ts';
import type { Io } from './io.ts';

/** A text that is drawn again and again in its place. */
export interface LiveText {
  /** Shows lines in place of those before; only what changed is written, so that nothing flickers. */
  show(lines: readonly string[]): void;
  /** Leaves the text where it is. */
  end(): void;
}

const CSI = '\u001B[';

/** Returns a live text. Without a terminal every change is written below the one before. */
export function createLiveText({
  out,
  isTerminal,
  columns,
}: Pick<Io, 'out' | 'isTerminal' | 'columns'>): LiveText {
  let before: string[] = [];
  if (isTerminal) out(`${CSI}?25l`);
  return {
    show(lines) {
      const next = isTerminal ? lines.map((line) => cut(line, columns())) : [...lines];
      if (next.length === before.length && next.every((line, index) => line === before[index])) return;
      if (!isTerminal) {
        out(`${next.join('\n')}\n`);
        before = next;
        return;
      }
      let text = before.length === 0 ? '' : `${CSI}${String(before.length)}A`;
      next.forEach((line, index) => {
        text += line === before[index] ? '\n' : `${CSI}2K${line}\n`;
      });
      const left = Math.max(0, before.length - next.length);
      text += `${CSI}2K\n`.repeat(left);
      if (left > 0) text += `${CSI}${String(left)}A`;
      out(text);
      before = next;
    },
    end() {
      if (isTerminal) out(`${CSI}?25h`);
    },
  };
}
