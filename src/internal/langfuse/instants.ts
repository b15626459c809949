/** Points in time, as the two protocols write them. */

/** ISO 8601 with microseconds; a server keeps milliseconds. */
export const isoOf = (unixMicros: number): string => {
  const micros = plausible(unixMicros)
  const millis = Math.floor(micros / 1_000)
  return `${new Date(millis).toISOString().slice(0, -1)}${String(micros - millis * 1_000).padStart(3, "0")}Z`
}

/** Nanoseconds since the Unix epoch: more than a number holds exactly, so JSON has them as text. */
export const nanosOf = (unixMicros: number): string => `${plausible(unixMicros)}000`

/** Most stores keep nanoseconds in 64 bits, which end in 2262. */
const latest = Date.UTC(2262, 0, 1) * 1_000

/** `Date` throws beyond its range, and one such record would keep its whole batch from ever being sent. */
const plausible = (unixMicros: number): number =>
  Number.isNaN(unixMicros) ? 0 : Math.round(Math.min(Math.max(unixMicros, 0), latest))
