import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Turns } from "../../src/internal/delivery/turns.ts"

describe("turns", () => {
  it.effect("go to those who wait, before the one who had the last", () =>
    Effect.gen(function*() {
      const turns = new Turns()
      const order: Array<string> = []
      const taking = (name: string) =>
        turns.take(Effect.zipRight(Effect.yieldNow(), Effect.sync(() => order.push(name))))
      yield* Effect.all([
        Effect.zipRight(taking("first"), taking("first again")),
        taking("second"),
        taking("third")
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(order, ["first", "second", "third", "first again"])
    }))

  it.effect("are not lost on those who are interrupted, while they wait or when it is theirs", () =>
    Effect.gen(function*() {
      const turns = new Turns()
      const ended = yield* Deferred.make<void>()
      const first = yield* Effect.fork(turns.take(Deferred.await(ended)))
      const others = yield* Effect.forEach([1, 2], () => Effect.fork(turns.take(Effect.never)))
      const last = yield* Effect.fork(turns.take(Effect.succeed("last")))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(others[0]!)
      yield* Deferred.succeed(ended, undefined)
      yield* Fiber.join(first)
      yield* Fiber.interrupt(others[1]!)
      assert.strictEqual(yield* Fiber.join(last), "last")
      assert.strictEqual(yield* turns.take(Effect.succeed("next")), "next")
    }))

  it.effect("end with a failure, too", () =>
    Effect.gen(function*() {
      const turns = new Turns()
      assert.strictEqual(yield* Effect.flip(turns.take(Effect.fail("failed"))), "failed")
      assert.strictEqual(yield* turns.take(Effect.succeed("next")), "next")
    }))
})
