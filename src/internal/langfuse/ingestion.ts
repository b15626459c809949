/** Sends by the ingestion protocol, whose answer reports errors for each event. */
import * as Effect from "effect/Effect"
import type { Rejection } from "../../Provider.ts"
import { ProviderError } from "../../Provider.ts"
import type { RequestFailure } from "./failure.ts"
import { eventsOf, isTyped } from "./ingestionEvents.ts"
import type { Item, Outcome } from "./sender.ts"
import type { Transport } from "./transport.ts"
import { ingestionPath } from "./transport.ts"

export class Ingestion {
  private readonly transport: Transport
  /** Whether the server knows the observation types for agents, tools and the like. */
  private typed = true

  constructor(transport: Transport) {
    this.transport = transport
  }

  send(items: ReadonlyArray<Item>): Effect.Effect<Outcome, RequestFailure | ProviderError> {
    const { typed } = this
    const events = items.map((item) => eventsOf(item.entry, typed))
    return Effect.flatMap(this.transport.post(ingestionPath, { batch: events.flat() }), (reply) => {
      const errors = errorsOf(reply)
      if (errors === undefined) return ProviderError.transient("Langfuse answered something that is no verdict")
      const sorted = new Sorted()
      items.forEach((item, at) => {
        for (const event of events[at]!) {
          const error = errors.get(event.id)
          if (error !== undefined && sorted.add(item, error, typed)) break
        }
      })
      return sorted.failed === undefined ? this.conclude(sorted) : Effect.fail(sorted.failed)
    })
  }

  /** Sends items whose type the server does not know once more, under a type that all servers know. */
  private conclude(sorted: Sorted): Effect.Effect<Outcome, RequestFailure | ProviderError> {
    if (sorted.mistyped.length === 0) return Effect.succeed(sorted)
    this.typed = false
    return Effect.map(this.send(sorted.mistyped), ({ reason, rejections, unwelcome }) => ({
      rejections: [...sorted.rejections, ...rejections],
      unwelcome: [...sorted.unwelcome, ...unwelcome],
      reason: reason || sorted.reason
    }))
  }
}

// internal

interface EventError {
  readonly status: number
  readonly text: string
}

/** The failed items of a request, sorted by how they are handled. */
class Sorted implements Outcome {
  readonly rejections: Array<Rejection> = []
  readonly unwelcome: Array<Item> = []
  readonly mistyped: Array<Item> = []
  reason = ""
  failed: ProviderError | undefined

  /** @returns always `true`: one error is enough to sort an item */
  add(item: Item, error: EventError, typed: boolean): true {
    const message = `Langfuse answered ${error.status}: ${error.text}`
    if (error.status >= 500 || error.status === 429) {
      this.failed ??= ProviderError.transient(message)
    } else if (/event type not accepted/i.test(error.text)) {
      this.unwelcome.push(item)
      this.reason = `${message}; LANGFUSE_BASE_URL is a server that takes OTLP only`
    } else if (typed && isTyped(item.entry) && /discriminator/i.test(error.text)) {
      this.mistyped.push(item)
    } else {
      this.rejections.push({ index: item.index, message })
    }
    return true
  }
}

/** The errors by the id of the event. `undefined` if the reply is not that of an ingestion endpoint. */
const errorsOf = (reply: unknown): ReadonlyMap<string, EventError> | undefined => {
  if (typeof reply !== "object" || reply === null || !("errors" in reply && Array.isArray(reply.errors))) {
    return undefined
  }
  return new Map(reply.errors.map((error: Readonly<Record<string, unknown>>) => [
    String(error["id"]),
    {
      status: Number(error["status"]) || 400,
      text: [error["message"], error["error"]].filter((part) => part !== undefined && part !== null).map(lineOf)
        .join(" ").slice(0, 1_000)
    }
  ]))
}

const lineOf = (part: unknown): string =>
  (typeof part === "string" ? part : JSON.stringify(part) ?? "").replace(/\s+/g, " ").trim()
