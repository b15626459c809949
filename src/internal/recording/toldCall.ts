/**
 * Reads a model call from attributes of the GenAI conventions, which libraries set on their native spans one after the
 * other.
 */
import * as GenAi from "../../GenAi.ts"
import type * as Input from "../../Input.ts"
import type { JsonObject, ModelCall, SpanType } from "../../Observation.ts"
import { problemsBeside } from "../problems.ts"

export interface Told {
  /** `undefined` if no attribute determines it. */
  readonly type: SpanType | undefined
  readonly update: Input.SpanUpdate
  /** Attributes that the recorder adds about the call. */
  readonly notes: JsonObject
}

/** Called for each attribute that a tracer sets, and never for spans without attributes. */
export const isOfConventions = (attribute: string): boolean => attribute.startsWith("gen_ai.")

/** The span type that this attribute alone determines, before other attributes come. */
export const typeTold = (attribute: string, value: unknown): SpanType | undefined =>
  attribute === operation ? GenAi.fromAttributes({ [operation]: value })?.type : undefined

/**
 * A span that begins no operation and holds no tokens is left as it is: names such as that of an agent, or of the
 * vendor, may be on all spans of a program. Fields that the program has stated itself are also left as they are.
 *
 * @param known the call as the program has stated it
 */
export const toldCall = (attributes: JsonObject, known: ModelCall | undefined): Told | undefined => {
  const reading = GenAi.fromAttributes(attributes)
  if (reading === undefined) return undefined
  const { operation, problems, usage } = reading
  const { finishReason, model, provider, temperature, timeToFirstToken } = GenAi.toUpdate(reading)
  // instrumentations older than the names of operations knew no other operation
  const type = reading.type ??
    (operation === undefined && usage !== undefined && model !== undefined ? "llm" : undefined)
  if (type === undefined && usage === undefined) return undefined
  const isCall = usage !== undefined || type === "llm" || type === "embedding"
  return {
    type,
    // a tool or an agent that names the model it works with has not called that model
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
      // as for a call that `AiTelemetry` knows by its span alone: nothing is known of cached tokens
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
