/** The model call of a record. */
import type { BigDecimal } from "effect/BigDecimal"
import type { ModelCall } from "../../Observation.ts"
import type { Usage } from "../../Usage.ts"

/** Made by a constructor and not as a literal: docs/decisions/0010. A copy by spread takes 0.1 µs more. */
export class RecordedModelCall implements ModelCall {
  readonly provider: string | undefined
  readonly model: string | undefined
  readonly temperature: number | undefined
  readonly finishReason: string | undefined
  readonly timeToFirstTokenMicros: number | undefined
  readonly usage: Usage | undefined
  readonly costUsd: BigDecimal | undefined
  readonly priceId: string | undefined
  readonly isSubtotal: boolean

  /** @param usage replaces that of `call`, as `costUsd` and `priceId` do */
  constructor(
    call: Omit<ModelCall, "usage" | "costUsd" | "priceId">,
    usage: Usage | undefined,
    costUsd: BigDecimal | undefined,
    priceId: string | undefined
  ) {
    this.provider = call.provider
    this.model = call.model
    this.temperature = call.temperature
    this.finishReason = call.finishReason
    this.timeToFirstTokenMicros = call.timeToFirstTokenMicros
    this.usage = usage
    this.costUsd = costUsd
    this.priceId = priceId
    this.isSubtotal = call.isSubtotal
  }
}
