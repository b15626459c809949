/**
 * Counts tokens and costs once, however many spans hold them. An agent, or a library around a model's own, often says
 * again what the calls below it have said: such figures are kept, and left out of every sum.
 *
 * Tokens and cost are told apart: a call may know the one and the span above it the other.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Json, JsonObject, ModelCall } from "../../Observation.ts"
import type { Usage } from "../../Usage.ts"
import { inputTokens } from "../../Usage.ts"
import type { Priced } from "../pricing/priceOf.ts"
import { repeatedKey } from "../repeated.ts"
import { RecordedModelCall } from "./modelCall.ts"
import type { OpenSpan } from "./openSpan.ts"

/** What a call that began then cost; `undefined` when it is not known. */
export type Price = (call: ModelCall, startTimeUnixMicros: number) => Priced | undefined

export class Accounting {
  private readonly price: Price | undefined

  constructor(price: Price | undefined) {
    this.price = price
  }

  /** A span has ended. @returns whether the totals of its trace have changed */
  settle(span: OpenSpan): boolean {
    if (span.modelCall === undefined) return false
    const call = this.priced(span, withoutRepeated(span, span.modelCall), undefined)
    span.modelCall = call
    return count(span, call, undefined)
  }

  /**
   * What is found out about a call that is over counts, too, in the place of what was counted of it before.
   *
   * @returns whether the totals of its trace have changed
   */
  settleLate(span: OpenSpan, before: ModelCall | undefined): boolean {
    if (span.modelCall === undefined || span.modelCall === before) return false
    const call = this.priced(span, withoutRepeated(span, span.modelCall), before)
    span.modelCall = call
    return count(span, call, before)
  }

  /** The cost is computed unless the program stated it, here or below. What repeats other figures has no cost of its own. */
  private priced(span: OpenSpan, call: ModelCall, before: ModelCall | undefined): ModelCall {
    const isStated = call.costUsd !== undefined && call.priceId === undefined
    if (call.isSubtotal || isStated || holdsBelow(span, call) || !isOtherCall(call, before)) return call
    const priced = this.price?.(call, span.startUnixMicros)
    if (priced === undefined && call.costUsd === undefined) return call
    return new RecordedModelCall(call, call.usage, priced?.costUsd, priced?.price.id)
  }
}

// internal

/**
 * A span of whose figures all are held below is a subtotal. Where only the tokens are, or only the cost, the other one
 * counts, and what is repeated moves out of the way: no sum can take one column of a row and leave the other.
 */
const withoutRepeated = (span: OpenSpan, call: ModelCall): ModelCall => {
  if (!holdsBelow(span, call)) return call
  const countsTokens = call.usage !== undefined && span.tokensBelow === 0
  const countsCost = call.costUsd !== undefined && !span.costBelow
  if (!countsTokens && !countsCost) return { ...call, isSubtotal: true }
  const repeated: Record<string, Json> = {}
  if (!countsTokens && call.usage !== undefined) repeated["usage"] = knownOf(call.usage)
  // also where the span states none: what is known below is not to be computed again from its tokens
  if (!countsCost && span.costBelow) {
    repeated["costUsd"] = call.costUsd === undefined ? null : BigDecimal.format(call.costUsd)
  }
  if (Object.keys(repeated).length === 0) return call
  span.addAttributes({ [repeatedKey]: repeated })
  return new RecordedModelCall(
    call,
    countsTokens ? call.usage : undefined,
    countsCost ? call.costUsd : undefined,
    countsCost ? call.priceId : undefined
  )
}

/** Whether spans below it hold figures that those of a call may repeat. */
const holdsBelow = (span: OpenSpan, call: ModelCall): boolean =>
  (span.tokensBelow > 0 || span.costBelow) && !isCallBeside(span, call)

/**
 * A model call may have others inside, such as that of an embedding for a cache. One that took more than they did, by a model
 * that none of them names in any form, repeats nothing. An agent, or a chain, that says more than those below is their sum.
 */
const isCallBeside = (span: OpenSpan, { model, usage }: ModelCall): boolean =>
  span.type === "llm" && model !== undefined && tokensOf(usage) > span.tokensBelow &&
  span.modelsBelow.every((other) => other !== undefined && !other.includes(model) && !model.includes(other))

const tokensOf = (usage: Usage | undefined): number =>
  usage === undefined ? 0 : (inputTokens(usage) ?? 0) + (usage.outputTokens ?? 0)

const knownOf = (usage: object): JsonObject =>
  Object.fromEntries(Object.entries(usage).filter(([, tokens]) => tokens !== undefined))

/** Whether what the price depends on has changed. */
const isOtherCall = (call: ModelCall, before: ModelCall | undefined): boolean =>
  call.usage !== before?.usage || call.model !== before?.model || call.provider !== before?.provider

const count = (span: OpenSpan, call: ModelCall, before: ModelCall | undefined): boolean => {
  const counted = countedOf(before)
  const counts = countedOf(call)
  if (counted === undefined && counts === undefined) return false
  tellAbove(span, counts, counted)
  return span.trace?.count(counts, counted) ?? false
}

/** What is below a subtotal has told the trace, and those above it. */
const countedOf = (call: ModelCall | undefined): ModelCall | undefined => call?.isSubtotal === true ? undefined : call

const tellAbove = (span: OpenSpan, call: ModelCall | undefined, before: ModelCall | undefined): void => {
  // nothing is repeated by saying more than zero
  const tokens = tokensOf(call?.usage) - tokensOf(before?.usage)
  const cost = call?.costUsd !== undefined && BigDecimal.isPositive(call.costUsd)
  if (tokens === 0 && !cost) return
  // those that are over have been settled without it
  for (let above = span.openParent; above !== undefined; above = above.openParent) {
    const isTold = (above.tokensBelow > 0 || tokens <= 0) && (above.costBelow || !cost)
    // whoever told this one has told those above it
    if (isTold && !above.isInModelCall) return
    // one that knows those of the first call alone cannot take back those of another
    if (above.isInModelCall || tokens > 0) above.tokensBelow += tokens
    above.costBelow ||= cost
    if (above.type === "llm" && call !== undefined) {
      // beyond some, as if one were not known
      const model = above.modelsBelow.length < maxModels ? call.model : undefined
      if (!above.modelsBelow.includes(model)) above.modelsBelow = [...above.modelsBelow, model]
    }
  }
}

const maxModels = 8
