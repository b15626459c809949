/**
 * The open records, found by id, and kept in the order in which they were added.
 *
 * Not a `Map`: as entries come and go, V8 replaces its table every few entries, and a replaced table keeps referring to
 * its entries and to the next table. As soon as a single table has come into the old generation, all that follow it do,
 * too, at 51 bytes for each native span of a loop, and with them everything they refer to, until that generation is
 * collected.
 */
export interface Entry {
  readonly id: string
  /** The slot in which the table keeps it; written by the table alone. */
  slot: number
}

/** The slot of a record that is in no table. */
export const noSlot = -1

/** The slot of a record that its table had to forget. */
const forgotten = -2

export class OpenTable<A extends Entry> {
  size = 0
  private readonly maxSize: number
  private capacity = 0
  private records: Array<A | undefined> = []
  // Slots refer to each other by number: with references, removed records would again keep those that followed them.
  private newer = new Int32Array(0)
  private older = new Int32Array(0)
  private oldest = noSlot
  private newest = noSlot
  /** The first free slot; each refers to the next one by `newer`. */
  private free = noSlot
  /** By bucket of an id's hash, the newest slot in that bucket; each slot refers to the next one by `sameHash`. */
  private heads = new Int32Array(0)
  private sameHash = new Int32Array(0)

  /**
   * @param maxSize at this size, each added record makes the table forget its oldest; below 1, nothing is remembered
   */
  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  /** Adds a record, unless it is in a table already or was forgotten. */
  add(record: A): void {
    if (this.maxSize < 1 || record.slot !== noSlot) return
    if (this.size >= this.maxSize) this.forget(this.records[this.oldest]!)
    if (this.free === noSlot) this.grow()
    const slot = this.free
    this.free = this.newer[slot]!
    record.slot = slot
    this.records[slot] = record
    this.size++
    this.older[slot] = this.newest
    this.newer[slot] = noSlot
    if (this.newest === noSlot) this.oldest = slot
    else this.newer[this.newest] = slot
    this.newest = slot
    this.index(slot, record.id)
  }

  /** The newest record with this id. */
  get(id: string): A | undefined {
    if (this.size === 0) return undefined
    let slot = this.heads[this.bucketOf(id)]!
    while (slot !== noSlot && this.records[slot]!.id !== id) slot = this.sameHash[slot]!
    return slot === noSlot ? undefined : this.records[slot]
  }

  /** Removes a record, unless it was forgotten or is in another table. */
  delete(record: A): void {
    const { slot } = record
    if (slot < 0 || this.records[slot] !== record) return
    this.unindex(slot, record.id)
    const older = this.older[slot]!
    const newer = this.newer[slot]!
    if (older === noSlot) this.oldest = newer
    else this.newer[older] = newer
    if (newer === noSlot) this.newest = older
    else this.older[newer] = older
    record.slot = noSlot
    this.records[slot] = undefined
    this.newer[slot] = this.free
    this.free = slot
    this.size--
  }

  newestFirst(): ReadonlyArray<A> {
    const found: Array<A> = []
    for (let slot = this.newest; slot !== noSlot; slot = this.older[slot]!) found.push(this.records[slot]!)
    return found
  }

  private forget(record: A): void {
    this.delete(record)
    record.slot = forgotten
  }

  private bucketOf(id: string): number {
    // only the end of an id is hashed, which is random or a counter
    let hash = 0
    for (let at = Math.max(0, id.length - 8); at < id.length; at++) hash = Math.imul(hash, 31) + id.charCodeAt(at) | 0
    return hash & this.capacity - 1
  }

  private index(slot: number, id: string): void {
    const bucket = this.bucketOf(id)
    this.sameHash[slot] = this.heads[bucket]!
    this.heads[bucket] = slot
  }

  private unindex(slot: number, id: string): void {
    const bucket = this.bucketOf(id)
    const next = this.sameHash[slot]!
    let at = this.heads[bucket]!
    if (at === slot) {
      this.heads[bucket] = next
      return
    }
    while (this.sameHash[at] !== slot) at = this.sameHash[at]!
    this.sameHash[at] = next
  }

  /** Called when every slot is taken. */
  private grow(): void {
    const before = this.capacity
    this.capacity = Math.max(64, before * 2)
    this.newer = resized(this.newer, this.capacity)
    this.older = resized(this.older, this.capacity)
    this.sameHash = resized(this.sameHash, this.capacity)
    this.heads = new Int32Array(this.capacity).fill(noSlot)
    for (let slot = this.oldest; slot !== noSlot; slot = this.newer[slot]!) this.index(slot, this.records[slot]!.id)
    for (let slot = before; slot < this.capacity; slot++) {
      this.records.push(undefined)
      this.newer[slot] = slot + 1 < this.capacity ? slot + 1 : noSlot
    }
    this.free = before
  }
}

// internal

const resized = (numbers: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> => {
  const result = new Int32Array(length)
  result.set(numbers)
  return result
}
