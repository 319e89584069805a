import { hasRoom, isAdmitted, nextAdmission, openAdmission } from './domain/admission.ts';
import type { AdmissionRule } from './domain/admission.ts';

/** Where every request for predictions passes, before anything of it is read. */
export interface AdmissionGate {
  /**
   * Returns whether a request is let in; who is calls `leave` once with the same bytes when it has been answered.
   *
   * @param bytes what its body may take
   */
  enter(bytes: number): boolean;
  readonly leave: (bytes: number) => void;
  /** Decides how many may be under way from now on, by the longest that anything was held up since the last look, ms. */
  readonly look: (delayMs: number) => void;
  readonly figures: () => { readonly underWay: number; readonly limit: number; readonly shed: number };
}

/** Returns a gate with nobody behind it. Entering and leaving cost a few additions. */
export function createAdmissionGate(rule: AdmissionRule): AdmissionGate {
  let admission = openAdmission(rule);
  let underWay = 0;
  let bytesUnderWay = 0;
  let mostUnderWay = 0;
  let shed = 0;
  return {
    enter(bytes) {
      if (!isAdmitted(admission, underWay) || !hasRoom(bytes, bytesUnderWay, rule)) {
        shed += 1;
        return false;
      }
      underWay += 1;
      bytesUnderWay += bytes;
      if (underWay > mostUnderWay) mostUnderWay = underWay;
      return true;
    },
    leave(bytes) {
      underWay -= 1;
      bytesUnderWay -= bytes;
    },
    look(delayMs) {
      admission = nextAdmission(admission, { mostUnderWay, delayMs }, rule);
      mostUnderWay = underWay;
    },
    figures: () => ({ underWay, limit: admission.limit, shed }),
  };
}
