/** What waits for a window is handed over once, as it was in the end, with its true extent. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { extentOf } from "../../src/internal/extent.ts"
import { Intake, OpenRecord } from "../../src/internal/recording/intake.ts"
import type { Observation, Span } from "../../src/Observation.ts"
import { chatMessage, span, spanId } from "../observations.ts"

/** A span that counts what it was told. */
class Open extends OpenRecord {
  isOpen = true
  size = 100
  private readonly index: number

  constructor(index: number) {
    super()
    this.index = index
  }

  snapshot(): Span {
    return span({
      spanId: spanId(this.index),
      status: this.isOpen ? "in_progress" : "success",
      size: this.size,
      revision: ++this.revision
    })
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: "open" as const, at: 0 }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("grow" as const, "end" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.constantFrom({ do: "log" as const, at: 0 }, { do: "drain" as const, at: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: "show" as const, at: 0 }) }
)

describe("the intake", () => {
  it("hands over what has come since the last time, once, as it is then, and says how much it is together", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 300, size: "max" }), (steps) => {
        const handed: Array<ReadonlyArray<Observation>> = []
        const remembered = new Set<OpenRecord>()
        const intake = new Intake({
          remember: (record) => remembered.add(record),
          handOver: (records, extent) => {
            assert.deepEqual({ ...extent }, { ...extentOf(records) })
            handed.push(records)
          },
          wake: () => {}
        })
        const all: Array<Open> = []
        /** By record, how often it has been handed over. */
        const revisions = new Map<Open, number>()
        let touched = new Set<Open>()
        let logged = 0
        for (const { at, do: what } of [...steps, { do: "drain" as const, at: 0 }]) {
          const some = all[at % all.length]
          if (what === "open") {
            const open = new Open(all.length)
            all.push(open)
            touched.add(open)
            intake.pushOpen(open)
          } else if (what === "log") {
            logged++
            intake.push(chatMessage())
          } else if (what === "show") {
            intake.show()
            for (const open of touched) if (open.isOpen) assert.isTrue(remembered.has(open))
          } else if (what === "drain") {
            const before = handed.length
            intake.drain()
            const records = handed[before] ?? []
            const expected = [...touched].map((open) => {
              revisions.set(open, (revisions.get(open) ?? 0) + 1)
              if (open.isOpen) assert.isTrue(remembered.has(open))
              return { size: open.size, status: open.isOpen ? "in_progress" : "success", revision: revisions.get(open) }
            })
            assert.deepStrictEqual(
              records.flatMap((record) =>
                record._tag === "Span" ? [{ size: record.size, status: record.status, revision: record.revision }] : []
              ),
              expected as never
            )
            assert.strictEqual(records.length, expected.length + logged)
            touched = new Set()
            logged = 0
          } else if (some !== undefined) {
            some.size += 10
            touched.add(some)
            if (what === "end" && some.isOpen) {
              some.isOpen = false
              intake.pushEnded(some)
            } else {
              intake.pushOpen(some)
            }
          }
        }
      })
    )
  })

  it("hands over at once what is much", () => {
    const sizes: Array<number> = []
    const intake = new Intake({ remember: () => {}, handOver: (records) => sizes.push(records.length), wake: () => {} })
    for (let index = 0; index < 2_500; index++) intake.pushOpen(new Open(index))
    intake.push(chatMessage({ size: 1_000_000 }))
    assert.deepStrictEqual(sizes, [1_000, 1_000, 501])
  })
})
