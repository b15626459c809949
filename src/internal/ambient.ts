/** The clock and the id generator of a fiber, read without leaving the running instruction. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import { IdGenerator } from "../IdGenerator.ts"
import type { Ambient } from "./recording/origin.ts"

export const ambientOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Ambient => ({
  clock: Context.get(fiber.currentDefaultServices, Clock.Clock),
  generator: Context.get(fiber.currentContext, IdGenerator)
})
