/**
 * How long something took, in microseconds, and never less than nothing: a clock may go back that calls itself monotonic,
 * and a native span may be told an end by another clock. OpenTelemetry JS sets such a span to 0, too.
 */
export const elapsed = (startMicros: number, endMicros: number): number => Math.max(0, endMicros - startMicros)
