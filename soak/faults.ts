/** What happens to a server and to the processes that write to it, at random. */
import { Effect, Random } from "effect"
import type { ServerControl } from "../src/EmbeddedPostgres.ts"

export interface Faults {
  readonly server: ServerControl
  /** Ends a worker with the signal, and puts another one in its place. */
  readonly replace: (signal: "SIGKILL" | "SIGTERM") => Effect.Effect<void>
}

const away = Effect.flatMap(Random.nextIntBetween(500, 3_000), (millis) => Effect.sleep(millis))

/** One fault, over and repaired when it returns. */
export const strike = ({ replace, server }: Faults): Effect.Effect<string, unknown> => {
  const faults: Readonly<Record<string, Effect.Effect<void, unknown>>> = {
    "server stopped": Effect.zipRight(Effect.zipRight(server.stop, away), server.start),
    "server paused": Effect.zipRight(Effect.zipRight(server.pause, away), server.resume),
    "server killed": Effect.zipRight(Effect.zipRight(server.kill, away), server.start),
    "server restarted": Effect.zipRight(server.stop, server.start),
    "worker killed": replace("SIGKILL"),
    "worker killed while the server was down": server.stop.pipe(
      Effect.zipRight(away),
      Effect.zipRight(replace("SIGKILL")),
      Effect.zipRight(server.start)
    ),
    "worker ended": replace("SIGTERM"),
    "worker ended while the server hung": server.pause.pipe(
      Effect.zipRight(replace("SIGTERM")),
      Effect.zipRight(server.resume)
    )
  }
  const names = Object.keys(faults)
  return Effect.flatMap(
    Random.nextIntBetween(0, names.length),
    (index) => Effect.as(faults[names[index]!]!, names[index]!)
  )
}
