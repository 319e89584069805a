import { useEffect, useState } from 'preact/hooks';
import { get, Refused } from './api.ts';

const AGAIN_MS = 3000;

/** What was asked for: the newest answer, and why there is none now. */
export interface Asked<Answer> {
  readonly answer: Answer | undefined;
  /** Empty when the last question was answered. */
  readonly fault: string;
}

/**
 * Asks for something when the path or `moved` changes, and again by itself for as long as nobody answers. An answer stays until
 * there is a newer one.
 */
export function useAsked<Answer>(path: string, moved: unknown): Asked<Answer> {
  const [asked, setAsked] = useState<Asked<Answer>>({ answer: undefined, fault: '' });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let isWanted = true;
    let again: ReturnType<typeof setTimeout> | undefined;
    get<Answer>(path).then(
      (answer) => {
        if (isWanted) setAsked({ answer, fault: '' });
      },
      (error: unknown) => {
        if (!isWanted) return;
        const fault = error instanceof Refused ? error.message : String(error);
        setAsked((known) => ({ ...known, fault }));
        again = setTimeout(() => {
          setTries(tries + 1);
        }, AGAIN_MS);
      },
    );
    return () => {
      isWanted = false;
      clearTimeout(again);
    };
  }, [path, moved, tries]);
  return asked;
}
