/**
 * The disk spool of one delivery: batches that the store cannot take now, kept in files until it can.
 *
 * **Loss policy.** A batch that `append` has confirmed survives the death of the process and a power failure. It is
 * read again by this process, or by the next one that uses the directory, in order and at least once. Damage to the
 * files costs the records that it hits; they are counted, and the damaged bytes are kept. At any time
 * `appended + adopted = done + records + corrupt + forfeited`.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Observation } from "../../Observation.ts"
import { inTimeSlices } from "../timeSlices.ts"
import { closed, fromFileSystem, noPlainData, overBudget, type SpoolError } from "./error.ts"
import { decode, encode, ResourcePool } from "./payload.ts"
import type { Found } from "./shelf.ts"
import { Shelf } from "./shelf.ts"

export interface SpoolOptions {
  /** Shared by all processes that deliver to the same provider; created where it is missing. */
  readonly directory: string
  /** Names this process's files. */
  readonly processId: string
  /** Bytes of all files that belong to this process. Default: 1 GiB. */
  readonly maxBytes?: number | undefined
  /** A file takes no further batch that would make it larger than this. Default: 16 MiB. */
  readonly segmentBytes?: number | undefined
}

export interface SpooledBatch {
  readonly records: Arr.NonEmptyReadonlyArray<Observation>
  /** Marks the batch as delivered. A second call does nothing. */
  readonly done: Effect.Effect<void>
}

/** The records of a batch that cannot be kept on any disk. */
export interface Refused {
  readonly records: ReadonlyArray<Observation>
  readonly error: SpoolError
}

export interface Spool {
  /** Records that wait. */
  readonly records: number
  /** Bytes of the files, damaged ones that are kept included. */
  readonly bytes: number
  /** Records that were found damaged since the start. */
  readonly corrupt: number
  /**
   * Records lost with their files since the start: to a process that took this one for dead, or to somebody who deleted
   * them. Excludes the batch that `next` has returned and that is not done yet.
   */
  readonly forfeited: number
  /**
   * Keeps a batch. On success the batch is on the disk, except for records that are not plain data; on failure none of
   * it is.
   *
   * @param confirm called when the batch is on the disk, before anybody can read it; if it returns `false`, the batch
   *   is removed again
   */
  readonly append: (
    records: Arr.NonEmptyReadonlyArray<Observation>,
    confirm?: (refused: Refused | undefined) => boolean
  ) => Effect.Effect<void, SpoolError>
  /** The oldest waiting batch; the same one again until it is done. */
  readonly next: Effect.Effect<Option.Option<SpooledBatch>, SpoolError>
  /** Takes over the records that dead processes left in the directory, and returns their number. */
  readonly adopt: Effect.Effect<number, SpoolError>
  /** Leaves the waiting records to the next process. The end of the scope does it too. */
  readonly close: Effect.Effect<void>
}

export const make = (options: SpoolOptions): Effect.Effect<Spool, SpoolError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(
      Effect.tryPromise({
        try: () => Shelf.open({ ...options, segmentBytes: options.segmentBytes ?? 16 * 1024 * 1024 }),
        catch: fromFileSystem(options.directory, "opening the spool")
      }),
      (shelf) => new DiskSpool(options.directory, options.maxBytes ?? 1024 * 1024 * 1024, shelf)
    ),
    (spool) => spool.close
  )

// internal

class DiskSpool implements Spool {
  corrupt = 0
  private readonly directory: string
  private readonly maxBytes: number
  private readonly shelf: Shelf
  private readonly resources = new ResourcePool()
  private readonly mutex = Effect.unsafeMakeSemaphore(1)
  private current: SpooledBatch | undefined
  private isClosed = false

  constructor(directory: string, maxBytes: number, shelf: Shelf) {
    this.directory = directory
    this.maxBytes = maxBytes
    this.shelf = shelf
  }

  get records(): number {
    return this.shelf.records
  }

  get bytes(): number {
    return this.shelf.bytes
  }

  get forfeited(): number {
    return this.shelf.forfeited
  }

  append(
    records: Arr.NonEmptyReadonlyArray<Observation>,
    confirm: (refused: Refused | undefined) => boolean = () => true
  ): Effect.Effect<void, SpoolError> {
    // the resources, which the records have in common, may not be plain data, either
    const encoded = Effect.catchAllDefect(inTimeSlices(() => encode(records)), (cause) => noPlainData(cause))
    return Effect.flatMap(encoded, ({ cause, frame, unencodable }) => {
      const refused = unencodable.length === 0 ? undefined : { records: unencodable, error: noPlainData(cause) }
      return this.exclusively(Effect.suspend(() => {
        if (frame === undefined) return Effect.sync(() => void confirm(refused))
        const { bytes } = this.shelf
        return bytes + frame.bytes.length > this.maxBytes
          ? Effect.fail(overBudget(this.directory, bytes, frame.bytes.length, this.maxBytes))
          : this.attempt("writing a batch", () => this.shelf.append(frame, () => confirm(refused)))
      }))
    })
  }

  readonly next = Effect.suspend(() => this.exclusively(this.oldest))

  readonly adopt = Effect.suspend(() =>
    this.exclusively(this.attempt("taking over the files of dead processes", () => this.shelf.adopt()))
  )

  readonly close = Effect.suspend(() => {
    if (this.isClosed) return Effect.void
    this.isClosed = true
    return Effect.promise(() => this.shelf.close())
  }).pipe(this.mutex.withPermits(1), Effect.uninterruptible)

  private readonly oldest: Effect.Effect<Option.Option<SpooledBatch>, SpoolError> = Effect.suspend(() =>
    this.current === undefined
      ? Effect.flatMap(
        this.attempt("reading a batch", () => this.shelf.read()),
        (found) => found === undefined ? Effect.succeedNone : this.open(found)
      )
      : Effect.succeedSome(this.current)
  )

  /** Opens an entry; skips to the next one if this one has no readable records. */
  private open(found: Found): Effect.Effect<Option.Option<SpooledBatch>, SpoolError> {
    const { entry } = found
    if (entry._tag === "Damage") return Effect.zipRight(this.skip(found), this.oldest)
    return Effect.flatMap(
      inTimeSlices(() => decode(entry.payload, entry.payloadCrc, this.resources)),
      (records) =>
        records !== undefined && Arr.isNonEmptyReadonlyArray(records)
          ? Effect.map(this.keepWhole(found, records.length), () => Option.some(this.offer(found, records)))
          : Effect.zipRight(this.skip(found), this.oldest)
    )
  }

  private skip(found: Found): Effect.Effect<void, SpoolError> {
    return this.attempt("setting damaged bytes aside", async () => {
      await this.shelf.setAside(found)
      this.corrupt += await this.shelf.pass(found)
    })
  }

  /** A batch with malformed records is delivered without them, and a copy of the whole batch is kept. */
  private keepWhole(found: Found, readable: number): Effect.Effect<void, SpoolError> {
    return found.entry._tag === "Frame" && readable < found.entry.records
      ? this.attempt("setting damaged records aside", () => this.shelf.setAside(found))
      : Effect.void
  }

  private offer(found: Found, records: Arr.NonEmptyReadonlyArray<Observation>): SpooledBatch {
    const batch: SpooledBatch = {
      records,
      done: Effect.suspend(() => this.current === batch ? this.pass(found, records.length) : Effect.void).pipe(
        this.mutex.withPermits(1),
        Effect.uninterruptible
      )
    }
    this.current = batch
    found.segment.hand(records.length)
    return batch
  }

  private pass(found: Found, delivered: number): Effect.Effect<void> {
    return Effect.promise(async () => {
      this.current = undefined
      if (this.isClosed) return
      this.corrupt += Math.max(await this.shelf.pass(found) - delivered, 0)
    })
  }

  private exclusively<A>(self: Effect.Effect<A, SpoolError>): Effect.Effect<A, SpoolError> {
    return this.mutex.withPermits(1)(
      // uninterruptible: a half-finished change would leave the files in a state that they must not be in
      Effect.uninterruptible(Effect.suspend(() => this.isClosed ? Effect.fail(closed(this.directory)) : self))
    )
  }

  private attempt<A>(doing: string, evaluate: () => Promise<A>): Effect.Effect<A, SpoolError> {
    return Effect.tryPromise({ try: evaluate, catch: fromFileSystem(this.directory, doing) })
  }
}
