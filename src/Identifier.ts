/**
 * The two identifiers of W3C Trace Context: a trace id of 16 bytes and a span id of 8 bytes, written as lower-case
 * hexadecimal digits and never all zero.
 *
 * Both are branded strings: a `string` from outside gets the type only through a validation, so every value of the type
 * has been checked before it is stored, printed or sent on.
 *
 * @since 0.1.0
 */
import type * as Brand from "effect/Brand"
import * as Schema from "effect/Schema"

/**
 * A W3C trace id: 32 lower-case hexadecimal digits, not all zero.
 *
 * @see https://www.w3.org/TR/trace-context-2/#trace-id
 * @since 0.1.0
 * @category models
 */
export type TraceId = string & Brand.Brand<"TraceId">

/**
 * A W3C span id (`parent-id` in the specification): 16 lower-case hexadecimal digits, not all zero.
 *
 * @see https://www.w3.org/TR/trace-context-2/#parent-id
 * @since 0.1.0
 * @category models
 */
export type SpanId = string & Brand.Brand<"SpanId">

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/

/**
 * @since 0.1.0
 * @category refinements
 */
export const isTraceId = (value: unknown): value is TraceId => typeof value === "string" && traceIdPattern.test(value)

/**
 * @since 0.1.0
 * @category refinements
 */
export const isSpanId = (value: unknown): value is SpanId => typeof value === "string" && spanIdPattern.test(value)

/**
 * Decodes a trace id from a string.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TraceId: Schema.brand<typeof Schema.String, "TraceId"> = Schema.String.pipe(
  Schema.filter((value) => isTraceId(value) || "a trace id is 32 lower-case hexadecimal digits, not all zero"),
  Schema.brand("TraceId"),
  Schema.annotations({ identifier: "TraceId" })
)

/**
 * Decodes a span id from a string.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SpanId: Schema.brand<typeof Schema.String, "SpanId"> = Schema.String.pipe(
  Schema.filter((value) => isSpanId(value) || "a span id is 16 lower-case hexadecimal digits, not all zero"),
  Schema.brand("SpanId"),
  Schema.annotations({ identifier: "SpanId" })
)

/**
 * The trace id as a uuid with hyphens: the same 128 bits, in the form of the primary key in PostgreSQL.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toUuid = (traceId: TraceId): string =>
  `${traceId.slice(0, 8)}-${traceId.slice(8, 12)}-${traceId.slice(12, 16)}-${traceId.slice(16, 20)}-${
    traceId.slice(20)
  }`

/**
 * The wall-clock time in milliseconds since the Unix epoch that a UUIDv7-shaped trace id carries in its first 48
 * bits, or `undefined` for an id made in another way.
 *
 * By this time, any process that knows only the id of a trace can find the trace in its partition, if this library
 * started it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 * @since 0.1.0
 * @category conversions
 */
export const unixMillisOf = (traceId: TraceId): number | undefined => {
  const variant = traceId.charCodeAt(16)
  const isVersion7 = traceId.charCodeAt(12) === 0x37
  // the variant bits 10xx leave the digits 8, 9, a and b
  const isVariant10 = variant === 0x38 || variant === 0x39 || variant === 0x61 || variant === 0x62
  return isVersion7 && isVariant10 ? Number.parseInt(traceId.slice(0, 12), 16) : undefined
}
