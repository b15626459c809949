/**
 * Which recurrence of a `Schedule` a span belongs to: an attempt of `Effect.retry`, or a round of `Effect.repeat`.
 *
 * Effect says so in the context of all but the first one, to everything in it. Only the outermost spans of an attempt
 * repeat it: those that have the parent of the first that began. What an attempt forks may outlive it, as a worker does that
 * was started by the second attempt: of other fibers than the one that tries again it is only that first span, as
 * `Effect.timeout` runs what it limits in a fiber of its own.
 */
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import type * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type { SpanId } from "../Identifier.ts"
import type * as Input from "../Input.ts"
import { clockOf } from "./ambient.ts"
import { errorDetails } from "./outcome.ts"

// once: the key of a class is searched for along all that it inherits, each time, which was 0.4 % of a native span
const iterationKey = Schedule.CurrentIterationMetadata.key

const parents = new WeakMap<Schedule.IterationMetadata, SpanId | undefined>()

export const iterationOf = (
  fiber: Fiber.RuntimeFiber<unknown, unknown>,
  parent: SpanId | undefined
): Input.Attributes | undefined => {
  // one look into the map: mostly there is none
  const iteration = fiber.currentContext.unsafeMap.get(iterationKey) as
    | Schedule.IterationMetadata
    | undefined
  if (iteration === undefined || iteration.recurrence === 0 || isOfStream(iteration.input)) return undefined
  if (!parents.has(iteration)) parents.set(iteration, parent)
  else if (parents.get(iteration) !== parent || isInherited(fiber, iteration)) return undefined
  return {
    "schedule.recurrence": iteration.recurrence,
    // since the schedule has decided to go on
    "schedule.delay_ms": millisOf(fiber) - iteration.now,
    // what `repeat` repeats on is a result, which is nobody's business here
    ...(isError(iteration.input) ? { "schedule.error": printed(iteration.input) } : {})
  }
}

/** Whether the fiber has it from the one that forked it: a fiber's values stand above those that it began with. */
const isInherited = (fiber: Fiber.RuntimeFiber<unknown, unknown>, iteration: Schedule.IterationMetadata): boolean =>
  fiber.getFiberRefs().locals.get(FiberRef.currentContext)?.some(
    ([owner, context]: readonly [FiberId.Single, Context.Context<never>]) =>
      owner.id !== fiber.id().id && context.unsafeMap.get(iterationKey) === iteration
  ) ?? false

/** Streams that are merged repeat their turns by `Effect.repeat`, on such results: no recurrence of the program's. */
const isOfStream = (input: unknown): boolean => typeof input === "boolean" || Option.isOption(input)

const millisOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): number => clockOf(fiber).unsafeCurrentTimeMillis()

const isError = (input: unknown): boolean =>
  input instanceof Error || Predicate.hasProperty(input, "_tag") && Predicate.hasProperty(input, "message")

const printed = (error: unknown): string => {
  const { message, type } = errorDetails(error)
  return `${type}: ${message}`
}
