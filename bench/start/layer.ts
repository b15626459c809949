/** How long a program waits for `ObservabilityLive`, in milliseconds, with the server that `DATABASE_URL` names. */
import { Effect, Layer, Scope } from "effect"
import { ObservabilityLive } from "../../src/index.ts"
import { say } from "../child.ts"

const scope = Effect.runSync(Scope.make())
const begin = performance.now()
await Effect.runPromise(Layer.buildWithScope(ObservabilityLive, scope))

say(performance.now() - begin)
