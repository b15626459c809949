/** How the shipped prices are written down: what is the same for all of a vendor's is written once. */
import type { PriceInput } from "./price.ts"

export type Row = Omit<PriceInput, "vendor" | "source"> & { readonly source?: string | undefined }

export const published = (vendor: string, source: string, rows: ReadonlyArray<Row>): ReadonlyArray<PriceInput> =>
  rows.map((row) => ({ ...row, vendor, source: row.source ?? source }))
