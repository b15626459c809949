/** What is recorded about a call, from the program's request, the vendor's package and the answer. */
import * as Either from "effect/Either"
import * as GenAi from "../../GenAi.ts"
import type * as Input from "../../Input.ts"
import { problemsBeside } from "../problems.ts"
import type { Answer } from "./answer.ts"
import type { Method } from "./openCall.ts"
import { type CallOptions, textOf } from "./shapes.ts"
import { usageOf } from "./vendor.ts"
import type { Heard } from "./vendorClient.ts"

/** The attributes that are known before the call. None of them is content. */
export const requestOf = (method: Method, options: CallOptions): Input.Attributes => ({
  [GenAi.versionAttribute]: GenAi.version,
  [GenAi.names.operation[0]]: "chat",
  ...(method === "streamText" ? { [GenAi.names.stream[0]]: true } : {}),
  "gen_ai.output.type": method === "generateObject" ? "json" : "text",
  ...(textOf(options, "objectName") === undefined ? {} : { "ai.object_name": options.objectName }),
  ...(options.toolkit === undefined || options.toolChoice === undefined ? {} : { "ai.tool_choice": options.toolChoice })
})

/**
 * @param heard what the vendor's client saw, which is more than `@effect/ai` passes on
 * @param fallback the provider, if no attribute names it
 */
export const factsOf = (
  attributes: ReadonlyMap<string, unknown>,
  answer: Answer,
  heard: Heard | undefined,
  fallback: string | undefined
): Input.SpanUpdate => {
  const reading = GenAi.fromAttributes(attributes)
  const stated = reading === undefined ? {} : GenAi.toUpdate(reading)
  const provider = stated.provider ?? fallback
  const responseModel = reading?.responseModel ?? answer.responseModel ?? heard?.model
  const model = reading?.requestModel ?? responseModel
  const usage = heard?.usage ?? (answer.finish === undefined ? undefined : usageOf(answer.finish, provider))
  const finishReason = answer.finish === undefined ? undefined : textOf(answer.finish, "reason")
  const isPartial = usage === undefined && stated.usage !== undefined
  return {
    ...stated,
    ...(model === undefined ? {} : { name: `chat ${model}` }),
    provider,
    model,
    // for an answer that failed, `@effect/ai` reports an ordinary finish
    finishReason: answer.error === undefined ? finishReason ?? stated.finishReason : undefined,
    usage: usage === undefined ? stated.usage : Either.getOrUndefined(usage),
    attributes: {
      ...detailsOf(attributes),
      ...stated.attributes,
      ...(responseModel === undefined ? {} : { [GenAi.names.responseModel[0]]: responseModel }),
      ...(answer.responseId === undefined ? {} : { [GenAi.names.responseId[0]]: answer.responseId }),
      ...(answer.toolCalls.length === 0 ? {} : { "ai.tool_calls": answer.toolCalls }),
      // the totals that the package puts on the span do not include cache figures
      ...(isPartial ? { "ai.usage.partial": true } : {}),
      ...(usage !== undefined && Either.isLeft(usage) ? problemsBeside(undefined, [usage.left]) : {})
    }
  }
}

// internal

/** The attributes written by the package that have no column of their own. */
const detailsOf = (attributes: ReadonlyMap<string, unknown>): Input.Attributes =>
  Object.fromEntries(
    Array.from(attributes).filter(([name, value]) =>
      name.startsWith("gen_ai.") && !name.startsWith("gen_ai.usage.") && !columns.has(name) &&
      // without empty lists, which some packages write for options that were not set
      !(Array.isArray(value) && value.length === 0)
    )
  )

const columns: ReadonlySet<string> = new Set(
  ["operation", "provider", "requestModel", "temperature", "finishReasons", "timeToFirstChunk"].flatMap((name) =>
    GenAi.names[name as GenAi.Name]
  )
)
