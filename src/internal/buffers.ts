/**
 * A pool of buffers that are used again: as many as there ever were batches in flight.
 *
 * Allocating a new buffer for each batch costs half as much again, 19 µs of CPU time per row instead of 12: so much
 * memory outside of its heap makes V8 collect garbage.
 */
import * as Effect from "effect/Effect"
import { ByteWriter } from "./byteWriter.ts"

export class Buffers {
  private readonly spares: Array<ByteWriter> = []

  /** Lends an empty buffer to an effect. */
  use<A, E, R>(capacity: number, self: (out: ByteWriter) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const spare = this.spares.pop()
      // a smaller one is not used: growing it would copy, in one step, all that it holds by then
      const out = spare !== undefined && spare.capacity >= capacity ? spare : new ByteWriter(capacity)
      out.length = 0
      return Effect.tap(self(out), () => {
        // not kept after a failure: the driver may still be about to send it
        if (out.capacity <= keptBytes) this.spares.push(out)
      })
    })
  }
}

/** The largest buffer, in bytes, that is kept from one batch to the next: room for a batch of large records. */
const keptBytes = 4_194_304
