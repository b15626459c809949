/**
 * How one part of the library tells another that a native span has a record already, or must not have one.
 *
 * The mark of an existing record is only among the attributes that Effect passes to a tracer when a span begins: no
 * tracer stores it as an attribute.
 */
const key = "observability.recorded"

type Attributes = Readonly<Record<string, unknown>>

export const recordedElsewhere = (attributes: Attributes | undefined): Attributes => ({ ...attributes, [key]: true })

export const isRecordedElsewhere = (attributes: Attributes | undefined): boolean => attributes?.[key] === true

/**
 * Marks a native span that a tracer of this library was told to leave out. Any other such tracer around that one leaves
 * it out, too.
 */
export const leftOutSpan: unique symbol = Symbol("effect-observability/leftOutSpan")
