/**
 * Counts tokens and costs once, however many spans hold them. An agent, or a library around a model's own, often
 * repeats the figures of the calls below it: repeated figures are kept, but left out of every sum.
 *
 * Tokens and cost are handled separately: a call may know one of them and the span above it the other.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Json, JsonObject, ModelCall } from "../../Observation.ts"
import type { Usage } from "../../Usage.ts"
import { inputTokens } from "../../Usage.ts"
import type { Priced } from "../pricing/priceOf.ts"
import { repeatedKey } from "../repeated.ts"
import { RecordedModelCall } from "./modelCall.ts"
import type { OpenSpan } from "./openSpan.ts"

/** The cost of a call that began at that time; `undefined` when it is not known. */
export type Price = (call: ModelCall, startTimeUnixMicros: number) => Priced | undefined

export class Accounting {
  private readonly price: Price | undefined

  constructor(price: Price | undefined) {
    this.price = price
  }

  /** Counts the call of a span that has ended. @returns whether the totals of its trace have changed */
  settle(span: OpenSpan): boolean {
    if (span.modelCall === undefined) return false
    const call = this.priced(span, withoutRepeated(span, span.modelCall), undefined)
    span.modelCall = call
    return count(span, call, undefined)
  }

  /**
   * Counts figures of a call that become known after its span has ended, replacing those that were counted for it
   * before.
   *
   * @returns whether the totals of its trace have changed
   */
  settleLate(span: OpenSpan, before: ModelCall | undefined): boolean {
    if (span.modelCall === undefined || span.modelCall === before) return false
    const call = this.priced(span, withoutRepeated(span, span.modelCall), before)
    span.modelCall = call
    return count(span, call, before)
  }

  /**
   * Computes the cost, unless the program stated it, here or below. Figures that repeat others have no cost of their
   * own.
   */
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
 * A span is a subtotal if spans below it hold all of its figures. If they hold only its tokens, or only its cost, the
 * other figure counts, and the repeated one moves to the attributes: no sum can take one column of a row and leave the
 * other.
 */
const withoutRepeated = (span: OpenSpan, call: ModelCall): ModelCall => {
  if (!holdsBelow(span, call)) return call
  const countsTokens = call.usage !== undefined && span.tokensBelow === 0
  const countsCost = call.costUsd !== undefined && !span.costBelow
  if (!countsTokens && !countsCost) return { ...call, isSubtotal: true }
  const repeated: Record<string, Json> = {}
  if (!countsTokens && call.usage !== undefined) repeated["usage"] = knownOf(call.usage)
  // also if the span states no cost: a cost that is known below must not be computed again from its tokens
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

/** Whether spans below hold figures that those of the call may repeat. */
const holdsBelow = (span: OpenSpan, call: ModelCall): boolean =>
  (span.tokensBelow > 0 || span.costBelow) && !isCallBeside(span, call)

/**
 * A model call may contain others, such as that of an embedding for a cache. It repeats nothing if it took more tokens
 * than they did, on a model whose name neither contains one of theirs nor is contained in it. An agent or a chain that
 * states more than the calls below it is their sum.
 */
const isCallBeside = (span: OpenSpan, { model, usage }: ModelCall): boolean =>
  span.type === "llm" && model !== undefined && tokensOf(usage) > span.tokensBelow &&
  span.modelsBelow.every((other) => other !== undefined && !other.includes(model) && !model.includes(other))

const tokensOf = (usage: Usage | undefined): number =>
  usage === undefined ? 0 : (inputTokens(usage) ?? 0) + (usage.outputTokens ?? 0)

const knownOf = (usage: object): JsonObject =>
  Object.fromEntries(Object.entries(usage).filter(([, tokens]) => tokens !== undefined))

/** Whether a field has changed on which the price depends. */
const isOtherCall = (call: ModelCall, before: ModelCall | undefined): boolean =>
  call.usage !== before?.usage || call.model !== before?.model || call.provider !== before?.provider

const count = (span: OpenSpan, call: ModelCall, before: ModelCall | undefined): boolean => {
  const counted = countedOf(before)
  const counts = countedOf(call)
  if (counted === undefined && counts === undefined) return false
  tellAbove(span, counts, counted)
  return span.trace?.count(counts, counted) ?? false
}

/** A subtotal counts nothing: the spans below it are already counted in the trace and in the spans above. */
const countedOf = (call: ModelCall | undefined): ModelCall | undefined => call?.isSubtotal === true ? undefined : call

const tellAbove = (span: OpenSpan, call: ModelCall | undefined, before: ModelCall | undefined): void => {
  // zeros are not passed on: a span above that states more than zero does not repeat them
  const tokens = tokensOf(call?.usage) - tokensOf(before?.usage)
  const cost = call?.costUsd !== undefined && BigDecimal.isPositive(call.costUsd)
  if (tokens === 0 && !cost) return
  // spans that have ended were settled without this call
  for (let above = span.openParent; above !== undefined; above = above.openParent) {
    const isTold = (above.tokensBelow > 0 || tokens <= 0) && (above.costBelow || !cost)
    // the call that told this span has told those above it
    if (isTold && !above.isInModelCall) return
    // a span that knows only the tokens of the first call cannot take back those of another
    if (above.isInModelCall || tokens > 0) above.tokensBelow += tokens
    above.costBelow ||= cost
    if (above.type === "llm" && call !== undefined) {
      // beyond the maximum, a model counts as unknown
      const model = above.modelsBelow.length < maxModels ? call.model : undefined
      if (!above.modelsBelow.includes(model)) above.modelsBelow = [...above.modelsBelow, model]
    }
  }
}

const maxModels = 8
