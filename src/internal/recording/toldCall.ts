/**
 * What a tracer tells of a model call, in the names of the GenAI conventions: libraries write them on their native spans, one
 * attribute after the other.
 */
import * as GenAi from "../../GenAi.ts"
import type * as Input from "../../Input.ts"
import type { JsonObject, ModelCall, SpanType } from "../../Observation.ts"
import { problemsBeside } from "../problems.ts"

export interface Told {
  /** `undefined` where nothing says so. */
  readonly type: SpanType | undefined
  readonly update: Input.SpanUpdate
  /** What the record itself has to say of it. */
  readonly notes: JsonObject
}

/** Asked for each attribute that a tracer tells, and of spans without attributes for none. */
export const isOfConventions = (attribute: string): boolean => attribute.startsWith("gen_ai.")

/** What the one attribute says by which the type of a span is known, before others come. */
export const typeTold = (attribute: string, value: unknown): SpanType | undefined =>
  attribute === operation ? GenAi.fromAttributes({ [operation]: value })?.type : undefined

/**
 * A span that begins no operation, and holds no tokens, is left as it is: names such as that of an agent, or of the vendor, may
 * be on all spans of a program. So is all that the program has stated itself.
 *
 * @param known what it has stated
 */
export const toldCall = (attributes: JsonObject, known: ModelCall | undefined): Told | undefined => {
  const reading = GenAi.fromAttributes(attributes)
  if (reading === undefined) return undefined
  const { operation, problems, usage } = reading
  const { finishReason, model, provider, temperature, timeToFirstToken } = GenAi.toUpdate(reading)
  // instrumentations of before there were names of operations knew no other
  const type = reading.type ??
    (operation === undefined && usage !== undefined && model !== undefined ? "llm" : undefined)
  if (type === undefined && usage === undefined) return undefined
  const isCall = usage !== undefined || type === "llm" || type === "embedding"
  return {
    type,
    // a tool, or an agent, that says which model it works with has not called it
    update: isCall ?
      {
        provider: known?.provider === undefined ? provider : undefined,
        model: known?.model === undefined ? model : undefined,
        temperature: known?.temperature === undefined ? temperature : undefined,
        finishReason: known?.finishReason === undefined ? finishReason : undefined,
        timeToFirstToken: known?.timeToFirstTokenMicros === undefined ? timeToFirstToken : undefined,
        usage: known?.usage === undefined ? usage : undefined
      } :
      {},
    notes: {
      [GenAi.versionAttribute]: GenAi.version,
      // the same as of a call that `AiTelemetry` knows by its span alone: nothing is known of what was cached
      ...(type === "llm" && usage !== undefined && usage.cacheReadTokens === undefined &&
          usage.cacheWriteTokens === undefined && known?.usage === undefined ?
        { "ai.usage.partial": true } :
        {}),
      ...(problems.length === 0 ? {} : problemsBeside(attributes, problems))
    }
  }
}

// internal

const operation = GenAi.names.operation[0]
