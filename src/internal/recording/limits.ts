/** Bounds of what is recorded of one thing, beside those of the values that are captured into it. */

/** Characters of a name. */
export const maxNameLength = 1_000

/** Events of a span, and links: OpenTelemetry's default for both. */
export const maxListed = 128

/** What an event or a link costs in memory, in bytes, beside its attributes. */
export const listedSize = 100
