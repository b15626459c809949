/** The service that records nothing. It still makes contexts, so that ids can be passed on to other services. */
import * as Effect from "effect/Effect"
import type { Service } from "../ObservabilityService.ts"
import { TraceContext } from "../TraceContext.ts"
import { unrecordedSpan } from "./acquireSpan.ts"

export const noopService: Service = {
  enabled: false,
  startTrace: (trace) => TraceContext.root(trace),
  endTrace: () => Effect.void,
  span: (parent, name, type, options) => unrecordedSpan(parent, name, { ...options, type }),
  updateSpan: () => Effect.void,
  updateTrace: () => Effect.void,
  logLlmCall: () => Effect.void,
  logChatMessage: () => Effect.void,
  logDocumentEvent: () => Effect.void,
  flush: () => Effect.succeed({}),
  stats: Effect.succeed({
    providers: {},
    openSpans: 0,
    openTraces: 0,
    failedRedactions: 0,
    failedRecordings: 0,
    unpricedModels: {}
  }),
  afterTrace: Effect.void,
  unsafe: {
    startTrace: () => undefined,
    endTrace: () => {},
    startSpan: () => undefined,
    endSpan: () => {},
    addEvent: () => {},
    addLink: () => {},
    addAttribute: () => {},
    updateSpan: () => {}
  }
}
