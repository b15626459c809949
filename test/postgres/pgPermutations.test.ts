/** Whatever the order, the repetitions and the batches in which snapshots arrive, the same rows are left. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck, Runtime } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { closedRevision, type Observation, type Resource } from "../../src/Observation.ts"
import * as Observations from "../observations.ts"
import { clear, contents, fixture } from "./pgFixture.ts"

const { chatMessage, documentEvent, modelCall, resource, span, spanId, startTimeUnixMicros, trace, traceId, usd } =
  Observations

const processes: ReadonlyArray<Resource> = [1, 2, 3].map((index) => ({
  ...resource,
  processId: `0195512f-6c00-7000-8000-00000000000${index}`
}))

const maybe = <A>(arbitrary: FastCheck.Arbitrary<A>) => FastCheck.option(arbitrary, { nil: undefined, freq: 1 })
const word = FastCheck.constantFrom("a", "b", "c")

/** Revisions of a process's snapshots: never two that are equal but not the same, which the contract excludes. */
const revisionOf = (process: number, step: number) => (step === 9 ? closedRevision : 0) + step * 3 + process

const traceSnapshot: FastCheck.Arbitrary<Observation> = FastCheck.record({
  id: FastCheck.integer({ min: 1, max: 2 }),
  process: FastCheck.integer({ min: 0, max: 2 }),
  step: FastCheck.constantFrom(1, 2, 3, 9),
  name: maybe(word),
  userId: maybe(word),
  input: maybe(word),
  tags: maybe(FastCheck.array(word, { maxLength: 2 })),
  metadata: maybe(FastCheck.record({ key: word })),
  cost: maybe(FastCheck.constantFrom("1.5", "2.25"))
}).map(({ cost, id, process, step, ...fields }) =>
  trace({
    ...fields,
    traceId: traceId(id),
    resource: processes[process]!,
    revision: revisionOf(process, step),
    status: step === 9 ? "success" : "in_progress",
    durationMicros: step === 9 ? process : undefined,
    // another process states another start: the key is the id's time
    startTimeUnixMicros: startTimeUnixMicros + process * 1000,
    totals: cost === undefined
      ? undefined
      : { inputTokens: undefined, outputTokens: step, costUsd: usd(cost), stated: true }
  })
)

const spanSnapshot: FastCheck.Arbitrary<Observation> = FastCheck.record({
  id: FastCheck.integer({ min: 1, max: 3 }),
  step: FastCheck.constantFrom(1, 2, 9)
}).map(({ id, step }) =>
  span({
    spanId: spanId(id),
    revision: revisionOf(0, step),
    status: step === 9 ? "error" : "in_progress",
    modelCall: step === 2 ? undefined : modelCall({ costUsd: usd(`0.${step}`) }),
    attributes: { step }
  })
)

const entry: FastCheck.Arbitrary<Observation> = FastCheck.integer({ min: 1, max: 3 }).chain((id) =>
  FastCheck.constantFrom<Observation>(
    chatMessage({ messageId: spanId(id), sequence: id }),
    documentEvent({ eventId: spanId(id), sequence: id })
  )
)

/** Of snapshots with one key and revision only the first: a process makes one of each. */
const consistent = (snapshots: ReadonlyArray<Observation>) => [
  ...new Map(
    [...snapshots].reverse().map((snapshot) => [
      JSON.stringify([
        snapshot._tag,
        snapshot.traceId,
        snapshot._tag === "Trace" ? "" : snapshot._tag === "Span" ? snapshot.spanId : snapshot.sequence,
        snapshot.revision
      ]),
      snapshot
    ])
  ).values()
]

const snapshots = FastCheck.array(FastCheck.oneof(traceSnapshot, traceSnapshot, spanSnapshot, entry), {
  minLength: 1,
  maxLength: 12
}).map(consistent)

/** The snapshots, all of them and some repeatedly, in some order, cut into batches. */
const deliveries = snapshots.chain((all) =>
  FastCheck.record({
    all: FastCheck.constant(all),
    order: FastCheck.shuffledSubarray([...all, ...all], { minLength: all.length }).map((some) => [...some, ...all]),
    tail: FastCheck.shuffledSubarray(all, { minLength: all.length }),
    cuts: FastCheck.array(FastCheck.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 })
  })
).map(({ all, cuts, order, tail }) => {
  const sequence = [...order.slice(0, order.length - all.length), ...tail]
  const batches: Array<ReadonlyArray<Observation>> = []
  for (let at = 0, turn = 0; at < sequence.length; turn++) {
    const size = cuts[turn % cuts.length]!
    batches.push(sequence.slice(at, at + size))
    at += size
  }
  return { all, batches }
})

const isBatch = <A>(records: ReadonlyArray<A>): records is NonEmptyReadonlyArray<A> => records.length > 0

describe("idempotence", () => {
  it.scopedLive("any permutation, duplication and splitting leaves the same rows", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      const runtime = yield* Effect.runtime()
      const write = (batches: ReadonlyArray<ReadonlyArray<Observation>>) =>
        Effect.forEach(batches.filter(isBatch), (batch) => store.provider.write(batch), { discard: true })
      yield* write([[trace(), span(), chatMessage(), documentEvent()]])
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(deliveries, ({ all, batches }) =>
            Runtime.runPromise(runtime)(Effect.gen(function*() {
              yield* clear(store)
              // the reference: in the order of revisions, each alone
              yield* write([...all].sort((left, right) => left.revision - right.revision).map((one) => [one]))
              const expected = yield* contents(store)
              yield* clear(store)
              yield* write(batches)
              expect(yield* contents(store)).toEqual(expected)
            }))),
          { numRuns: 80 }
        )
      )
    }), 120_000)
})
