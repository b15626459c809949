import { expect, it } from "@effect/vitest"
import type { FiberRefs } from "effect"
import { Context, Effect, Fiber, FiberRef } from "effect"
import { replaceContext, restoreContext } from "../../src/internal/ambientContext.ts"

class Name extends Context.Reference<Name>()("Name", { defaultValue: (): string => "outside" }) {}

const named = (name: string) => <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => {
    const replaced = replaceContext(fiber, Context.add(fiber.currentContext, Name, name))
    return Effect.onExit(self, () => Effect.sync(() => restoreContext(fiber, replaced)))
  })

it.effect("replaces the context, also for fibers that are forked", () =>
  Effect.gen(function*() {
    const seen = yield* Effect.all([Name, Effect.flatMap(Effect.fork(Name), Fiber.join), Effect.context<never>()]).pipe(
      named("inside")
    )
    expect(seen.slice(0, 2)).toEqual(["inside", "inside"])
    expect(Context.get(seen[2], Name)).toBe("inside")
    expect(yield* Name).toBe("outside")
    expect(Context.get(yield* FiberRef.get(FiberRef.currentContext), Name)).toBe("outside")
  }))

it.effect("puts back the one before where one stands in another, whatever the program does in between", () =>
  Effect.gen(function*() {
    const read = Effect.zip(Name, Effect.zipRight(Effect.yieldNow(), Name))
    const seen = yield* Effect.all([
      read,
      read.pipe(named("inner")),
      Effect.logDebug("fiber references are read"),
      read
    ])
      .pipe(named("outer"))
    expect(seen).toEqual([["outer", "outer"], ["inner", "inner"], undefined, ["outer", "outer"]])
    expect(yield* Name).toBe("outside")
  }))

it.effect("leaves what else the program sets in between", () =>
  Effect.gen(function*() {
    const own = FiberRef.unsafeMake("unset")
    yield* FiberRef.set(own, "set").pipe(named("inside"))
    expect(yield* FiberRef.get(own)).toBe("set")
    expect(yield* Name).toBe("outside")
  }))

it.effect("a child that comes back brings what it has set, and not its context", () =>
  Effect.gen(function*() {
    const own = FiberRef.unsafeMake("unset")
    const child = yield* Effect.fork(FiberRef.set(own, "by the child")).pipe(named("inside"))
    yield* Fiber.join(child)
    expect(yield* FiberRef.get(own)).toBe("by the child")
    expect(yield* Name).toBe("outside")
  }))

it.effect("has the references of Effect's own `FiberRef.set`, and gives back those of before", () =>
  Effect.gen(function*() {
    const locals = Effect.withFiberRuntime<FiberRefs.FiberRefs["locals"]>((fiber) =>
      Effect.succeed((fiber as unknown as { readonly _fiberRefs: FiberRefs.FiberRefs })._fiberRefs.locals)
    )
    const context = Context.add(yield* Effect.context<never>(), Name, "inside")
    const before = yield* locals
    const inside = yield* locals.pipe(named("inside"))
    expect(yield* locals).toBe(before)
    const theirs = yield* Effect.locally(locals, FiberRef.currentContext, context)
    expect([...inside.keys()]).toEqual([...theirs.keys()])
    expect(inside.get(FiberRef.currentContext)?.length).toBe(theirs.get(FiberRef.currentContext)?.length)
  }))
