/** A date as it stands in the message of an error: `toISOString` throws for one that is invalid. */
export const describeDate = (date: Date): string =>
  Number.isNaN(date.getTime()) ? "an invalid date" : date.toISOString()
