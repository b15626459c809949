/** Handles the outcome of a request as a whole, in the same way for both protocols. */
import * as Effect from "effect/Effect"
import type { Rejection } from "../../Provider.ts"
import { ProviderError } from "../../Provider.ts"
import { inTimeSlices } from "../timeSlices.ts"
import type { Entry } from "./entry.ts"
import type { RequestFailure } from "./failure.ts"
import { isProtocolUnknown, isReset, isTooLarge, toProviderError } from "./failure.ts"
import { fit } from "./fit.ts"

export interface Item {
  /** The position of the record in the batch. */
  readonly index: number
  readonly entry: Entry
}

export interface Outcome {
  readonly rejections: ReadonlyArray<Rejection>
  /** Items that are certainly not stored, because the server does not take them by this protocol. */
  readonly unwelcome: ReadonlyArray<Item>
  readonly reason: string
}

export const allWritten: Outcome = { rejections: [], unwelcome: [], reason: "" }

/** Sends one request. */
export type Send = (items: ReadonlyArray<Item>) => Effect.Effect<Outcome, RequestFailure | ProviderError>

/** Sends items, and handles failures that concern a request as a whole. */
export class Sender {
  private readonly send: Send
  /** How often the connection broke while a batch was sent, by the batch's first entry. */
  private readonly resets = new Map<string, number>()

  constructor(send: Send) {
    this.send = send
  }

  deliver(items: ReadonlyArray<Item>): Effect.Effect<Outcome, ProviderError> {
    return Effect.catchTag(this.send(items), "RequestFailure", (failure) => this.onFailure(items, failure))
  }

  private onFailure(items: ReadonlyArray<Item>, failure: RequestFailure): Effect.Effect<Outcome, ProviderError> {
    if (isProtocolUnknown(failure)) {
      return Effect.succeed({ rejections: [], unwelcome: items, reason: toProviderError(failure).message })
    }
    const [first] = items
    if (isTooLarge(failure) && items.length === 1) return this.shrink(first!, failure)
    if (isReset(failure) && this.countReset(first!.entry.id) > 1) {
      return items.length === 1
        ? this.shrink(first!, failure)
        : ProviderError.rejected(`${failure.message}; perhaps the request is too large`, { cause: failure })
    }
    const error = toProviderError(failure)
    return error.reason === "rejected" && items.length === 1
      ? Effect.succeed(refuse(first!, failure))
      : Effect.fail(error)
  }

  /** Cuts a record that is too large for the server, or for a proxy before it: a cut record is worth more than none. */
  private shrink(
    item: Item,
    failure: RequestFailure,
    [maxBytes, ...further]: ReadonlyArray<number> = shrunkBytes
  ): Effect.Effect<Outcome, ProviderError> {
    // if the connection breaks for a small request, too, the size is not the reason
    const giveUp = isReset(failure) ? Effect.fail(toProviderError(failure)) : Effect.succeed(refuse(item, failure))
    if (maxBytes === undefined) return giveUp
    return Effect.flatMap(
      inTimeSlices(() => fit(item.entry, maxBytes)),
      (entry) => {
        if (entry === item.entry) return isReset(failure) ? giveUp : this.shrink(item, failure, further)
        return Effect.catchTag(
          this.send([{ ...item, entry }]),
          "RequestFailure",
          (next) => isTooLarge(next) || isReset(next) ? this.shrink(item, next, further) : this.onFailure([item], next)
        )
      }
    )
  }

  private countReset(id: string): number {
    const count = (this.resets.get(id) ?? 0) + 1
    // a batch whose connection broke once is retried at once, so there are never more than a few
    if (this.resets.size > 100) this.resets.clear()
    this.resets.set(id, count)
    return count
  }
}

// internal

const shrunkBytes = [200_000, 50_000, 10_000]

const refuse = (item: Item, { message }: RequestFailure): Outcome => ({
  ...allWritten,
  rejections: [{ index: item.index, message }]
})
