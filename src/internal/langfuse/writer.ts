/** Writes batches of observations to a Langfuse server. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type { Observation } from "../../Observation.ts"
import type { Rejection } from "../../Provider.ts"
import { ProviderError } from "../../Provider.ts"
import { inTimeSlices } from "../timeSlices.ts"
import { Amendments } from "./amendments.ts"
import { entryOf, KnownTraces } from "./entryOf.ts"
import { slowly } from "./failure.ts"
import { Ingestion } from "./ingestion.ts"
import { otlpRequest } from "./otlpRequest.ts"
import type { Protocol } from "./protocols.ts"
import { Protocols } from "./protocols.ts"
import type { Item, Outcome } from "./sender.ts"
import { allWritten, Sender } from "./sender.ts"
import { isPlain } from "./spanEntry.ts"
import type { Transport } from "./transport.ts"
import { otlpPath } from "./transport.ts"

export class Writer {
  private readonly liveStarts: boolean
  private readonly protocols: Protocols
  private readonly senders: Readonly<Record<Protocol, Sender>>
  private readonly traces = new KnownTraces()
  private readonly amendments = new Amendments()
  /** Records stored by a protocol that was then given up: the other protocol would store them a second time. */
  private readonly stored = new WeakSet<Observation>()

  constructor(transport: Transport, options: {
    readonly protocol: Protocol | "auto"
    readonly liveStarts: boolean
  }) {
    this.liveStarts = options.liveStarts
    this.protocols = new Protocols(options.protocol, transport.version)
    const ingestion = new Ingestion(transport)
    this.senders = {
      ingestion: new Sender((items) => ingestion.send(items)),
      otlp: new Sender((items) =>
        Effect.as(
          transport.post(
            otlpPath,
            otlpRequest(items.map((item) => item.entry), (traceId) => this.traces.of(traceId))
          ),
          allWritten
        )
      )
    }
  }

  write(batch: NonEmptyReadonlyArray<Observation>): Effect.Effect<void, ProviderError> {
    return Effect.flatMap(
      inTimeSlices(() => this.itemsOf(batch)),
      (items) =>
        Effect.flatMap(this.deliver(batch, items), (rejections) =>
          rejections.length === 0
            ? Effect.void
            : ProviderError.rejected(rejections[0]!.message, { rejections }))
    )
  }

  private *itemsOf(batch: NonEmptyReadonlyArray<Observation>): Generator<void, ReadonlyArray<Item>> {
    // before anything is encoded: a trace may come after its spans
    for (const record of batch) {
      if (record._tag === "Trace") this.traces.learn(record)
      this.amendments.learn(record)
    }
    const items: Array<Item> = []
    for (const [index, record] of batch.entries()) {
      if (this.isExported(record)) items.push({ index, entry: yield* entryOf(record) })
    }
    return items
  }

  /** Whether to send a record. A running one is sent only with `liveStarts`, and if its row will stay the same one. */
  private isExported(record: Observation): boolean {
    if (this.stored.has(record) || this.amendments.overtakes(record)) return false
    if (!("status" in record) || record.status !== "in_progress") return true
    return this.liveStarts && !(record._tag === "Span" && isPlain(record))
  }

  private deliver(
    batch: NonEmptyReadonlyArray<Observation>,
    items: ReadonlyArray<Item>
  ): Effect.Effect<ReadonlyArray<Rejection>, ProviderError> {
    if (items.length === 0) return Effect.succeed([])
    return Effect.flatMap(this.protocols.current, (protocol) => {
      // sent by OTLP at its start and at its end, a span would become two rows, or lose its first half
      const due = protocol === "otlp" ? items.filter((item) => !item.entry.isOpen) : items
      return due.length === 0 ? Effect.succeed([]) : Effect.flatMap(
        this.senders[protocol].deliver(due),
        (outcome) =>
          outcome.unwelcome.length === 0
            ? Effect.succeed(outcome.rejections)
            : this.turn(protocol, batch, due, outcome)
      )
    })
  }

  /** Switches to the other protocol, and sends by it only the items that this one did not take. */
  private turn(
    protocol: Protocol,
    batch: NonEmptyReadonlyArray<Observation>,
    sent: ReadonlyArray<Item>,
    { reason, rejections, unwelcome }: Outcome
  ): Effect.Effect<ReadonlyArray<Rejection>, ProviderError> {
    if (!this.protocols.giveUp(protocol)) return ProviderError.transient(reason, { retryAfter: slowly })
    const left = new Set([...unwelcome.map((item) => item.index), ...rejections.map((rejection) => rejection.index)])
    for (const { index } of sent) if (!left.has(index)) this.stored.add(batch[index]!)
    return Effect.logDebug(`effect-observability: Langfuse does not take ${protocol}: ${reason}`).pipe(
      Effect.zipRight(this.deliver(batch, unwelcome)),
      Effect.map((further) => [...rejections, ...further])
    )
  }
}
