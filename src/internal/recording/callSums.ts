/** The totals of a trace's model calls. */
import * as BigDecimal from "effect/BigDecimal"
import * as Number from "effect/Number"
import type { ModelCall } from "../../Observation.ts"
import { inputTokens } from "../../Usage.ts"
import { Sum } from "./sum.ts"

export class CallSums {
  private readonly input = new Sum(0, Number.sum, Number.subtract)
  private readonly output = new Sum(0, Number.sum, Number.subtract)
  private readonly cost = new Sum(zero, BigDecimal.sum, BigDecimal.subtract)

  get inputTokens(): number | undefined {
    return this.input.value
  }

  get outputTokens(): number | undefined {
    return this.output.value
  }

  get costUsd(): BigDecimal.BigDecimal | undefined {
    return this.cost.value
  }

  /** Counts a call, replacing what was counted for it before. @returns whether anything has changed */
  count(call: ModelCall | undefined, before: ModelCall | undefined): boolean {
    const input = this.input.replace(inputOf(before), inputOf(call))
    const output = this.output.replace(before?.usage?.outputTokens, call?.usage?.outputTokens)
    const cost = this.cost.replace(before?.costUsd, call?.costUsd)
    return input || output || cost
  }
}

// internal

const zero = BigDecimal.make(0n, 0)

const inputOf = (call: ModelCall | undefined): number | undefined =>
  call?.usage === undefined ? undefined : inputTokens(call.usage)
