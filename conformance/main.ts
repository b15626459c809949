// Starts the service under test of the W3C suite for Trace Context, and says when it listens:
// `npm run conformance:service -- --port 5000`. Then, in the suite's folder, with STRICT_LEVEL=2 and SPEC_LEVEL=2:
// `python3 test.py http://127.0.0.1:5000/test`.
import { HttpServer } from "@effect/platform"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { parseArgs } from "node:util"
import { layer } from "./service.ts"

const { values } = parseArgs({ options: { port: { type: "string", default: "5000" } } })

const listening = Layer.effectDiscard(
  HttpServer.addressWith((address) =>
    Console.log(`The service under test listens at ${HttpServer.formatAddress(address)}`)
  )
)

NodeRuntime.runMain(Effect.scoped(Layer.launch(Layer.provide(listening, layer(Number(values.port))))))
