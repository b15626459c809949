/** Bounds of what is recorded of one thing, beside those of the values that are captured into it. */

/** Characters of a name. */
export const maxNameLength = 1_000

/** Characters of a name or a word for which the size of a record has room. What is longer is counted beside it. */
export const shortTextLength = 64

/** Events of a span, and links: OpenTelemetry's default for both. Also tags of a trace. */
export const maxListed = 128

/** What an event or a link costs in memory, in bytes, beside its attributes. */
export const listedSize = 100
