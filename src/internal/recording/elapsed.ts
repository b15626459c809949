/**
 * How long something took, in the unit of the two, and never less than nothing: a clock may go back, also one that calls
 * itself monotonic, and a native span may be told an end by another clock. OpenTelemetry JS sets such a span to 0, too.
 */
export const elapsed = (start: number, end: number): number => Math.max(0, end - start)
