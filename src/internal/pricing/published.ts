/** The notation of the shipped prices: what all prices of a vendor have in common is written once. */
import type { PriceInput } from "./price.ts"

export type Row = Omit<PriceInput, "vendor" | "source"> & { readonly source?: string | undefined }

export const published = (vendor: string, source: string, rows: ReadonlyArray<Row>): ReadonlyArray<PriceInput> =>
  rows.map((row) => ({ ...row, vendor, source: row.source ?? source }))
