/**
 * Collects what is wrong, at the place in the file where it stands. The only mutable thing while
 * rules are compiled.
 */
import type { Diagnostic } from './diagnostics.ts';
import { type Path, type Place, type Span, diagnose, spanOf, spanWithin } from './source-file.ts';

/**
 * Of errors, and of warnings: more than anybody fixes in one go. Each has its own room, so warnings never push out
 * an error.
 */
const EACH_MAX = 500;

export interface Report {
  readonly error: (place: Place, message: string, hint?: string, on?: 'value' | 'key') => void;
  readonly warning: (place: Place, message: string, hint?: string, on?: 'value' | 'key') => void;
  /** On a part of a text value. */
  readonly errorWithin: (place: Place, value: string, part: Part) => void;
  readonly add: (diagnostics: readonly Diagnostic[]) => void;
  readonly diagnostics: readonly Diagnostic[];
}

export interface Part {
  readonly message: string;
  readonly hint: string | undefined;
  readonly offset: number;
  readonly length: number;
}

export function createReport(): Report {
  const diagnostics: Diagnostic[] = [];
  const room = { error: EACH_MAX, warning: EACH_MAX };
  /** `span` is asked for only when there is room: finding a place costs more than reporting it. */
  function put(
    place: Place,
    span: () => Span,
    severity: Diagnostic['severity'],
    text: { readonly message: string; readonly hint: string | undefined },
  ): void {
    if (room[severity] <= 0) return;
    room[severity]--;
    diagnostics.push(diagnose(place.source, span(), severity, text.message, text.hint));
  }
  return {
    diagnostics,
    error: (place, message, hint, on = 'value') =>
      put(place, () => spanOf(place.source, place.path, on), 'error', { message, hint }),
    warning: (place, message, hint, on = 'value') =>
      put(place, () => spanOf(place.source, place.path, on), 'warning', { message, hint }),
    errorWithin: (place, value, part) =>
      put(place, () => spanWithin(place, value, part.offset, part.length), 'error', part),
    add: (more) => {
      for (const one of more) if (room[one.severity]-- > 0) diagnostics.push(one);
    },
  };
}

export function below(place: Place, ...path: Path): Place {
  return { source: place.source, path: [...place.path, ...path] };
}
