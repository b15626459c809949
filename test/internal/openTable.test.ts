/** The table of what is open does what a list would, however entries come and go. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { type Entry, noSlot, OpenTable } from "../../src/internal/recording/openTable.ts"

class Open implements Entry {
  readonly id: string
  slot = noSlot
  constructor(id: string) {
    this.id = id
  }
}

/** Half of them end alike, and so share a bucket. */
const id = fc.tuple(fc.nat({ max: 30 }), fc.constantFrom("", "-the same end")).map(([start, end]) => `${start}${end}`)

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add" as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("add again" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("get" as const), id }) }
)

describe("the table of what is open", () => {
  it("finds the newest of an id, keeps the order, and forgets the oldest", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 100, maxLength: 400, size: "max" }),
        fc.constantFrom(1, 2, 5, 10, 300),
        (steps, maxSize) => {
          const table = new OpenTable<Open>(maxSize)
          const all: Array<Open> = []
          const deleted = new Set<Open>()
          let model: ReadonlyArray<Open> = []
          for (const each of steps) {
            if (each.do === "add") {
              const open = new Open(each.id)
              table.add(open)
              all.push(open)
              model = [open, ...model].slice(0, maxSize)
            } else if (each.do === "get") {
              assert.strictEqual(table.get(each.id), model.find((open) => open.id === each.id))
            } else if (each.do === "add again") {
              // what is in it stays where it is, and what was forgotten does not come back
              const again = all.filter((open) => !deleted.has(open))
              if (again.length > 0) table.add(again[each.at % again.length]!)
            } else if (all.length > 0) {
              // also what has been deleted or forgotten already
              const open = all[each.at % all.length]!
              table.delete(open)
              deleted.add(open)
              model = model.filter((other) => other !== open)
            }
            assert.strictEqual(table.size, model.length)
          }
          assert.deepStrictEqual(table.newestFirst(), model)
        }
      )
    )
  })

  it("remembers nothing where it has no room", () => {
    const table = new OpenTable<Open>(0)
    const open = new Open("open")
    table.add(open)
    table.delete(open)
    assert.deepStrictEqual([table.size, table.get("open"), table.newestFirst()], [0, undefined, []])
  })

  it("leaves alone what stands in another table", () => {
    const [mine, other] = [new OpenTable<Open>(8), new OpenTable<Open>(8)]
    const [first, second] = [new Open("first"), new Open("second")]
    mine.add(first)
    other.add(second)
    mine.delete(second)
    assert.strictEqual(mine.get("first"), first)
    assert.strictEqual(other.get("second"), second)
  })
})
