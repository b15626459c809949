/**
 * The time between two times, in their unit, and never negative: a clock may go back, even one that calls itself
 * monotonic, and a native span may get an end from another clock. OpenTelemetry JS sets such a span to 0, too.
 */
export const elapsed = (start: number, end: number): number => Math.max(0, end - start)
