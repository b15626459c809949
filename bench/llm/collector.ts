/** Accepts spans over OpenTelemetry's protocol, OTLP/HTTP with JSON, and counts them. */
import { takeAll } from "./taking.ts"

interface Request {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<unknown> }>
  }>
}

takeAll("/v1/traces", (body) => {
  const scopes = (body as Request).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)
  return { status: 200, answer: {}, count: scopes.reduce((sum, { spans }) => sum + spans.length, 0) }
})
