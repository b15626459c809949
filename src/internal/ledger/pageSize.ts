/** How many rows to read at a time. Rows may hold a few bytes or some megabytes, and one finds out by reading them. */
import type { Observation } from "../../Observation.ts"

export class PageSize {
  rows = 20

  /** Aims at a page's worth of bytes, and grows no faster than twofold: the next rows may be larger. */
  learn(page: ReadonlyArray<Observation>): void {
    if (page.length === 0) return
    const bytesPerRow = page.reduce((sum, record) => sum + record.size, 0) / page.length
    this.rows = Math.min(Math.max(Math.floor(bytesPerPage / bytesPerRow), 1), this.rows * 2, maxRows)
  }
}

/** Estimated, in memory. */
const bytesPerPage = 4 * 1024 * 1024
const maxRows = 500
