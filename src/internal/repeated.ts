/**
 * The attribute under which a span keeps those of its figures that spans below it hold, too: `usage`, and `costUsd`,
 * which is null if the span itself states no cost.
 */
export const repeatedKey = "observability.repeated"
