/**
 * Which recurrence of a `Schedule` a span belongs to: an attempt of `Effect.retry`, or a round of `Effect.repeat`.
 *
 * Effect puts the recurrence into the context of all attempts but the first, where everything in the attempt sees it.
 * Only the outermost spans of an attempt record it: those that have the same parent as the attempt's first span. A
 * fiber that an attempt forks may outlive it, such as a worker that the second attempt started. So in other fibers than
 * the retrying one, only that first span records it, as `Effect.timeout` runs its effect in a fiber of its own.
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
import { withoutAnswer } from "./quotedAnswers.ts"
import { elapsed } from "./recording/elapsed.ts"

// read once: each access to the key of a class searches all that it inherits, which was 0.4 % of a native span
const iterationKey = Schedule.CurrentIterationMetadata.key

const parents = new WeakMap<Schedule.IterationMetadata, SpanId | undefined>()

export const iterationOf = (
  fiber: Fiber.RuntimeFiber<unknown, unknown>,
  parent: SpanId | undefined
): Input.Attributes | undefined => {
  // a single look into the map: usually there is no iteration
  const iteration = fiber.currentContext.unsafeMap.get(iterationKey) as
    | Schedule.IterationMetadata
    | undefined
  if (iteration === undefined || iteration.recurrence === 0 || isOfStream(iteration.input)) return undefined
  if (!parents.has(iteration)) parents.set(iteration, parent)
  else if (parents.get(iteration) !== parent || isInherited(fiber, iteration)) return undefined
  return {
    "schedule.recurrence": iteration.recurrence,
    // the time since the schedule decided to go on
    "schedule.delay_ms": elapsed(iteration.now, millisOf(fiber)),
    // only errors: the input of `repeat` is a result, which does not belong in a span
    ...(isError(iteration.input) ? { "schedule.error": printed(iteration.input) } : {})
  }
}

/**
 * Whether the fiber inherited the iteration from the one that forked it: a fiber's own values stand above those that it
 * began with.
 */
const isInherited = (fiber: Fiber.RuntimeFiber<unknown, unknown>, iteration: Schedule.IterationMetadata): boolean =>
  fiber.getFiberRefs().locals.get(FiberRef.currentContext)?.some(
    ([owner, context]: readonly [FiberId.Single, Context.Context<never>]) =>
      owner.id !== fiber.id().id && context.unsafeMap.get(iterationKey) === iteration
  ) ?? false

/** Merged streams use `Effect.repeat` on such results: that is no recurrence of the program's. */
const isOfStream = (input: unknown): boolean => typeof input === "boolean" || Option.isOption(input)

const millisOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): number => clockOf(fiber).unsafeCurrentTimeMillis()

const isError = (input: unknown): boolean =>
  input instanceof Error || Predicate.hasProperty(input, "_tag") && Predicate.hasProperty(input, "message")

/** Whether answers are kept, is said where a model is observed: what quotes one is told without it. */
const printed = (error: unknown): string => {
  const { message, type } = errorDetails(withoutAnswer(error))
  return `${type}: ${message}`
}
