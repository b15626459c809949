/**
 * How one part of the library says to another that a native span has a record already, or is to have none.
 *
 * The first travels with what Effect tells a tracer when a span begins, and nowhere else: no tracer stores it as an attribute.
 */
const key = "observability.recorded"

type Attributes = Readonly<Record<string, unknown>>

export const recordedElsewhere = (attributes: Attributes | undefined): Attributes => ({ ...attributes, [key]: true })

export const isRecordedElsewhere = (attributes: Attributes | undefined): boolean => attributes?.[key] === true

/** On a native span: a tracer of this library has been told to leave it out, and so does any other around that one. */
export const leftOutSpan: unique symbol = Symbol("effect-observability/leftOutSpan")
