/**
 * Chooses between the two protocols of a server.
 *
 * Servers of version 3 take ingestion; servers of version 4, as they are delivered, take only OTLP. So the version
 * decides at first, and then the server itself: a protocol that it refuses is given up, and the refused records are
 * sent by the other.
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

  /** @param version asks for the server's version; if that fails, the version counts as unknown */
  constructor(wanted: Protocol | "auto", version: Effect.Effect<string, RequestFailure>) {
    this.wanted = wanted
    this.version = version
    this.chosen = wanted === "auto" ? undefined : wanted
  }

  readonly current: Effect.Effect<Protocol> = Effect.suspend(() =>
    this.chosen === undefined ? this.ask : Effect.succeed(this.chosen)
  )

  /**
   * Switches to the other protocol.
   *
   * @returns `false` if no other protocol is left. If both were refused, the refusals do not come from a working
   *   Langfuse server, and the next batch chooses anew.
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
        // a server whose version cannot be found out refuses ingestion if it does not take it
        Effect.catchAll(() => Effect.succeed<Protocol>("ingestion")),
        Effect.map((protocol) => this.chosen ??= protocol)
      )
    )
  )
}

const majorOf = (version: string): number => Number.parseInt(version.replace(/^v/, ""), 10) || 0
