import { isAdmitted, nextAdmission, openAdmission } from './domain/admission.ts';
import type { AdmissionRule } from './domain/admission.ts';

/** Where every request for predictions passes, before anything of it is read. */
export interface AdmissionGate {
  /** Returns whether a request is let in; who is calls `leave` once when it has been answered. */
  enter(): boolean;
  readonly leave: () => void;
  /** Decides how many may be under way from now on, by the longest that the event loop was held up since the last look, ms. */
  readonly look: (delayMs: number) => void;
  readonly figures: () => { readonly underWay: number; readonly limit: number; readonly shed: number };
}

/** Returns a gate with nobody behind it. Entering and leaving cost a few additions. */
export function createAdmissionGate(rule: AdmissionRule): AdmissionGate {
  let admission = openAdmission(rule);
  let underWay = 0;
  let mostUnderWay = 0;
  let shed = 0;
  return {
    enter() {
      if (!isAdmitted(admission, underWay)) {
        shed += 1;
        return false;
      }
      underWay += 1;
      if (underWay > mostUnderWay) mostUnderWay = underWay;
      return true;
    },
    leave() {
      underWay -= 1;
    },
    look(delayMs) {
      admission = nextAdmission(admission, { mostUnderWay, delayMs }, rule);
      mostUnderWay = underWay;
    },
    figures: () => ({ underWay, limit: admission.limit, shed }),
  };
}
