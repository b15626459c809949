/**
 * The synchronous core of the service, which the combinators call inside of an instruction of a fiber.
 *
 * A failure to record is counted, and never becomes the application's. Each function has a `try` of its own: one
 * wrapper for all would take one more closure for each start and end of a span.
 */
import type { Unsafe } from "../../ObservabilityService.ts"
import { ambientOf } from "../ambient.ts"
import { iterationOf } from "../iteration.ts"
import { isContext } from "../position.ts"
import { OpenSpan } from "./openSpan.ts"
import type { Spans } from "./spans.ts"
import type { Traces } from "./traces.ts"

/** @param failed called for every call that could not be recorded */
export const unsafeOf = (traces: Traces, spans: Spans, failed: () => void): Unsafe => ({
  startTrace: (fiber, trace) => {
    try {
      return traces.start(ambientOf(fiber), trace)
    } catch {
      failed()
      return undefined
    }
  },
  endTrace: (fiber, context, exit) => {
    try {
      traces.endOfRegion(ambientOf(fiber), context, exit)
    } catch {
      failed()
    }
  },
  startSpan: (fiber, parent, name, spanOptions, origin) => {
    try {
      const span = spans.start(ambientOf(fiber), parent, name, spanOptions, origin)
      const iteration = iterationOf(fiber, parent?.spanId)
      if (iteration !== undefined) spans.update(span, { attributes: iteration })
      return span
    } catch {
      failed()
      return undefined
    }
  },
  endSpan: (fiber, span, exit, endTimeNanos) => {
    try {
      if (span instanceof OpenSpan) spans.keeperOf(span).end(ambientOf(fiber), span, exit, endTimeNanos)
    } catch {
      failed()
    }
  },
  addEvent: (fiber, span, event) => {
    try {
      if (span instanceof OpenSpan) spans.keeperOf(span).addEvent(ambientOf(fiber), span, event)
    } catch {
      failed()
    }
  },
  addLink: (span, link) => {
    try {
      if (span instanceof OpenSpan) spans.keeperOf(span).addLink(span, link)
    } catch {
      failed()
    }
  },
  addAttribute: (span, key, value) => {
    try {
      if (span instanceof OpenSpan) spans.keeperOf(span).addAttribute(span, key, value)
    } catch {
      failed()
    }
  },
  updateSpan: (span, update) => {
    try {
      if (span instanceof OpenSpan) spans.keeperOf(span).update(span, update)
      else if (isContext(span)) spans.annotate(span, update)
    } catch {
      failed()
    }
  }
})
