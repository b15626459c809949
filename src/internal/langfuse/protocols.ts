/**
 * Which of its two protocols a server is spoken to in.
 *
 * Servers of version 3 take ingestion, those of version 4, as they are delivered, only OTLP. So the version decides at
 * first, and after that the server itself: a protocol that it refuses is given up, and what it refused goes by the other.
 */
import * as Effect from "effect/Effect"
import type { RequestFailure } from "./failure.ts"

export type Protocol = "ingestion" | "otlp"

export class Protocols {
  private readonly wanted: Protocol | "auto"
  private readonly version: Effect.Effect<string, RequestFailure>
  private readonly asking = Effect.unsafeMakeSemaphore(1)
  private readonly givenUp = new Set<Protocol>()
  private chosen: Protocol | undefined

  /** @param version of the server; a failure counts as not known */
  constructor(wanted: Protocol | "auto", version: Effect.Effect<string, RequestFailure>) {
    this.wanted = wanted
    this.version = version
    this.chosen = wanted === "auto" ? undefined : wanted
  }

  readonly current: Effect.Effect<Protocol> = Effect.suspend(() =>
    this.chosen === undefined ? this.ask : Effect.succeed(this.chosen)
  )

  /**
   * @returns `false` when there is no other: then neither was refused by a Langfuse server that knows what it wants, and
   * the next batch begins anew.
   */
  giveUp(protocol: Protocol): boolean {
    if (this.wanted !== "auto") return false
    const other = protocol === "otlp" ? "ingestion" : "otlp"
    this.givenUp.add(protocol)
    if (this.givenUp.has(other)) {
      this.givenUp.clear()
      this.chosen = undefined
      return false
    }
    this.chosen = other
    return true
  }

  private readonly ask = this.asking.withPermits(1)(
    Effect.suspend(() =>
      this.chosen !== undefined ? Effect.succeed(this.chosen) : this.version.pipe(
        Effect.map((version): Protocol => majorOf(version) >= 4 ? "otlp" : "ingestion"),
        // a server that cannot be asked will refuse, if it has to
        Effect.catchAll(() => Effect.succeed<Protocol>("ingestion")),
        Effect.map((protocol) => this.chosen ??= protocol)
      )
    )
  )
}

const majorOf = (version: string): number => Number.parseInt(version.replace(/^v/, ""), 10) || 0
