/** Limits of one record, besides those of the values captured into it. */

/** Characters of a name. */
export const maxNameLength = 1_000

/** Characters of a name or a word that the base size of a record covers. Longer ones are counted in addition. */
export const shortTextLength = 64

/** Events of a span, and its links: OpenTelemetry's default for both. Also tags of a trace. */
export const maxListed = 128

/** The memory cost of an event or a link, in bytes, without its attributes. */
export const listedSize = 100
