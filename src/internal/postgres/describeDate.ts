/** A date for an error message. `toISOString` throws if the date is invalid. */
export const describeDate = (date: Date): string =>
  Number.isNaN(date.getTime()) ? "an invalid date" : date.toISOString()
