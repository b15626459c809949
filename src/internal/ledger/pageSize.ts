/**
 * How many rows to read at a time. A row may hold a few bytes or some megabytes, and only reading it tells.
 */
import type { Observation } from "../../Observation.ts"

export class PageSize {
  rows = 20

  /** Aims at `bytesPerPage`, and at most doubles the number of rows, because the next rows may be larger. */
  learn(page: ReadonlyArray<Observation>): void {
    if (page.length === 0) return
    const bytesPerRow = page.reduce((sum, record) => sum + record.size, 0) / page.length
    this.rows = Math.min(Math.max(Math.floor(bytesPerPage / bytesPerRow), 1), this.rows * 2, maxRows)
  }
}

/** Estimated, in memory. */
const bytesPerPage = 4 * 1024 * 1024
const maxRows = 500
